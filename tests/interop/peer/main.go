// A memberlist node for the interop tests, driven by JSON lines: commands on stdin, answers and
// events on stdout.
//
// One source for every version of hashicorp/memberlist (modules/*.mod choose one); what a version
// lacks is set by reflection, so that asking for it fails loudly.
package main

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"io/ioutil"
	"os"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

type event map[string]interface{}

var (
	out   = json.NewEncoder(os.Stdout)
	outMu sync.Mutex
)

func emit(e event) {
	outMu.Lock()
	defer outMu.Unlock()
	out.Encode(e)
}

// delegate implements every delegate interface and reports each call. A strict one understands
// JSON only, and complains of everything else.
type delegate struct {
	mu     sync.Mutex
	meta   []byte
	state  []byte
	queue  *memberlist.TransmitLimitedQueue
	strict bool
}

const strictState = `{"state":"of a strict node"}`

// judge complains of what is not exactly one JSON document, white space around it aside.
func (d *delegate) judge(what string, b []byte) {
	if d.strict && !json.Valid(b) {
		emit(event{"event": "complaint", "about": what,
			"payload": base64.StdEncoding.EncodeToString(b)})
	}
}

type broadcast []byte

func (b broadcast) Invalidates(memberlist.Broadcast) bool { return false }
func (b broadcast) Message() []byte                       { return b }
func (b broadcast) Finished()                             {}

func (d *delegate) NodeMeta(limit int) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.meta
}
func (d *delegate) NotifyMsg(b []byte) {
	d.judge("message", b)
	emit(event{"event": "msg", "payload": base64.StdEncoding.EncodeToString(b)})
}
func (d *delegate) GetBroadcasts(overhead, limit int) [][]byte {
	return d.queue.GetBroadcasts(overhead, limit)
}
func (d *delegate) LocalState(join bool) []byte { return d.state }
func (d *delegate) MergeRemoteState(b []byte, join bool) {
	d.judge("state", b)
	payload := base64.StdEncoding.EncodeToString(b)
	emit(event{"event": "state", "len": len(b), "join": join, "payload": payload})
}
func (d *delegate) NotifyJoin(n *memberlist.Node)   { emitNode("join", n) }
func (d *delegate) NotifyLeave(n *memberlist.Node)  { emitNode("leave", n) }
func (d *delegate) NotifyUpdate(n *memberlist.Node) { emitNode("update", n) }
func (d *delegate) AckPayload() []byte              { return []byte(strictState) }
func (d *delegate) NotifyPingComplete(n *memberlist.Node, rtt time.Duration, payload []byte) {
	if len(payload) > 0 {
		d.judge("ack", payload)
	}
	emit(event{"event": "ack", "name": n.Name})
}
func (d *delegate) NotifyConflict(a, b *memberlist.Node) {
	emitNode("conflict", a)
}

func nodeEvent(n *memberlist.Node) event {
	return event{"name": n.Name, "addr": n.Addr.String(), "port": n.Port,
		"meta":     base64.StdEncoding.EncodeToString(n.Meta),
		"versions": []uint8{n.PMin, n.PMax, n.PCur, n.DMin, n.DMax, n.DCur}}
}

func emitNode(kind string, n *memberlist.Node) {
	e := nodeEvent(n)
	e["event"] = kind
	emit(e)
}

// set a Config field by name; a version without it can't run the test that needs it.
func set(c *memberlist.Config, field string, value interface{}) {
	f := reflect.ValueOf(c).Elem().FieldByName(field)
	if !f.IsValid() {
		emit(event{"event": "unsupported", "field": field})
		os.Exit(77)
	}
	f.Set(reflect.ValueOf(value).Convert(f.Type()))
}

func main() {
	name := flag.String("name", "go", "node name")
	bind := flag.String("bind", "127.0.0.1", "address to bind")
	port := flag.Int("port", 0, "port, 0: any")
	profile := flag.String("profile", "local", "lan, wan or local")
	label := flag.String("label", "", "cluster label")
	key := flag.String("key", "", "secret key, base64")
	keys := flag.String("keys", "", "more keys, base64, comma separated")
	ring := flag.Bool("ring", false, "start with an empty keyring, for keys to come")
	compress := flag.Bool("compress", true, "compress")
	verifyIn := flag.Bool("verify-incoming", true, "GossipVerifyIncoming")
	verifyOut := flag.Bool("verify-outgoing", true, "GossipVerifyOutgoing")
	protocol := flag.Int("protocol", 2, "ProtocolVersion")
	dproto := flag.String("delegate-protocol", "0,0,0", "min,max,current")
	meta := flag.String("meta", "", "meta, text")
	stateLen := flag.Int("state", 0, "bytes of user state in push/pull")
	strict := flag.Bool("strict", false, "complain of messages and states that are not JSON")
	probe := flag.Duration("probe-interval", -1, "ProbeInterval")
	pushPull := flag.Duration("push-pull-interval", -1, "PushPullInterval")
	flag.Parse()

	c := memberlist.DefaultLocalConfig()
	switch *profile {
	case "lan":
		c = memberlist.DefaultLANConfig()
	case "wan":
		c = memberlist.DefaultWANConfig()
	}
	d := &delegate{meta: []byte(*meta)}
	for i := 0; i < *stateLen; i++ {
		d.state = append(d.state, "state of a go node\n"[i%19])
	}
	if d.strict = *strict; d.strict {
		d.state, c.Ping = []byte(strictState), d
	}
	c.Name, c.BindAddr, c.BindPort, c.AdvertisePort = *name, *bind, *port, *port
	c.EnableCompression = *compress
	c.GossipVerifyIncoming, c.GossipVerifyOutgoing = *verifyIn, *verifyOut
	c.ProtocolVersion = uint8(*protocol)
	fmt.Sscanf(*dproto, "%d,%d,%d", &c.DelegateProtocolMin, &c.DelegateProtocolMax,
		&c.DelegateProtocolVersion)
	c.Delegate, c.Events, c.Conflict = d, d, d
	if *probe >= 0 {
		c.ProbeInterval = *probe
	}
	if *pushPull >= 0 {
		c.PushPullInterval = *pushPull
	}
	if *label != "" {
		set(c, "Label", *label)
	}
	if *key != "" {
		ring, err := keyring(*key, *keys)
		fatal(err)
		c.Keyring = ring
	} else if *ring {
		c.Keyring, _ = memberlist.NewKeyring(nil, nil)
	}
	c.LogOutput = os.Stderr
	if os.Getenv("PEER_QUIET") != "" {
		c.LogOutput = ioutil.Discard
	}
	var list *memberlist.Memberlist
	d.queue = &memberlist.TransmitLimitedQueue{RetransmitMult: 3, NumNodes: func() int {
		if list == nil {
			return 1
		}
		return list.NumMembers()
	}}
	m, err := memberlist.Create(c)
	fatal(err)
	list = m
	emit(event{"event": "ready", "port": m.LocalNode().Port, "addr": m.LocalNode().Addr.String()})

	in := bufio.NewScanner(os.Stdin)
	in.Buffer(make([]byte, 1<<20), 64<<20)
	for in.Scan() {
		var cmd struct {
			Cmd, Addr, Name, Data, Meta, Key string
			Reliable, Incoming, Outgoing     bool
		}
		fatal(json.Unmarshal(in.Bytes(), &cmd))
		data, _ := base64.StdEncoding.DecodeString(cmd.Data)
		answer := event{"answer": cmd.Cmd}
		switch cmd.Cmd {
		case "join":
			n, err := m.Join([]string{cmd.Addr})
			answer["n"] = n
			failed(answer, err)
		case "members":
			list := []event{}
			for _, n := range m.Members() {
				list = append(list, nodeEvent(n))
			}
			answer["members"] = list
		case "send":
			failed(answer, send(m, cmd.Name, data, cmd.Reliable))
		case "broadcast":
			d.queue.QueueBroadcast(broadcast(data))
		case "meta":
			d.mu.Lock()
			d.meta = []byte(cmd.Meta)
			d.mu.Unlock()
			failed(answer, m.UpdateNode(10*time.Second))
		case "health":
			answer["score"] = m.GetHealthScore()
		case "key":
			failed(answer, changeKey(c.Keyring, cmd.Name, cmd.Key))
		case "verify": // the node reads these through the pointer that it was given
			c.GossipVerifyIncoming, c.GossipVerifyOutgoing = cmd.Incoming, cmd.Outgoing
		case "leave":
			failed(answer, m.Leave(10*time.Second))
		case "quit":
			m.Shutdown()
			os.Exit(0)
		default:
			answer["error"] = "unknown command"
		}
		emit(answer)
	}
}

func keyring(primary, more string) (*memberlist.Keyring, error) {
	first, err := base64.StdEncoding.DecodeString(primary)
	if err != nil {
		return nil, err
	}
	all := [][]byte{first}
	for _, k := range strings.Split(more, ",") {
		if b, err := base64.StdEncoding.DecodeString(k); err == nil && len(b) > 0 {
			all = append(all, b)
		}
	}
	return memberlist.NewKeyring(all, first)
}

func changeKey(ring *memberlist.Keyring, how, key string) error {
	b, err := base64.StdEncoding.DecodeString(key)
	if err != nil {
		return err
	}
	switch how {
	case "install":
		return ring.AddKey(b)
	case "use":
		return ring.UseKey(b)
	default:
		return ring.RemoveKey(b)
	}
}

func send(m *memberlist.Memberlist, name string, data []byte, reliable bool) error {
	for _, n := range m.Members() {
		if n.Name == name {
			if reliable {
				return m.SendReliable(n, data)
			}
			return m.SendBestEffort(n, data)
		}
	}
	return fmt.Errorf("no member %q", name)
}

func failed(answer event, err error) {
	if err != nil {
		answer["error"] = err.Error()
	}
}

func fatal(err error) {
	if err != nil {
		emit(event{"event": "fatal", "error": err.Error()})
		os.Exit(1)
	}
}
