// The peer's side of ../idle.c: nodes in one process that all know each other and have nothing to
// say.
package main

import (
	"fmt"
	"io"
	"log"
	"time"

	"github.com/hashicorp/memberlist"
)

func idle(count int, seconds int) {
	var all []*memberlist.Memberlist
	for i := 0; i < count; i++ {
		c := memberlist.DefaultLANConfig()
		c.Name = fmt.Sprintf("n%d", i)
		c.BindAddr, c.BindPort, c.AdvertiseAddr = "127.0.0.1", 0, "127.0.0.1"
		c.Logger = log.New(io.Discard, "", 0)
		m, err := memberlist.Create(c)
		if err != nil {
			log.Fatal(err)
		}
		if i > 0 {
			if _, err = m.Join([]string{fmt.Sprintf("127.0.0.1:%d", all[0].LocalNode().Port)}); err != nil {
				log.Fatal(err)
			}
		}
		all = append(all, m)
		time.Sleep(20 * time.Millisecond)
	}
	for _, m := range all {
		for m.NumMembers() < count {
			time.Sleep(100 * time.Millisecond)
		}
	}
	time.Sleep(20 * time.Second)
	begin := now()
	time.Sleep(time.Duration(seconds) * time.Second)
	report("idle_node_us", float64(now()-begin)/1000/float64(count*seconds))
	for _, m := range all {
		m.Shutdown()
	}
}
