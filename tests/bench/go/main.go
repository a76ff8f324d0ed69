// The peer's side of tests/bench/run: the same work as bench.c, done by hashicorp/memberlist on one
// core. Prints "name value" lines; values are nanoseconds of CPU time an operation, or bytes.
package main

import (
	"bytes"
	"compress/lzw"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"runtime"
	"sort"
	"strconv"
	"syscall"
	"time"

	"github.com/hashicorp/memberlist"
)

const repetitions = 5

var secret = bytes.Repeat([]byte{0x42}, 32)

// A transport that is fed by hand: packets go in, what comes out is counted, streams are byte
// buffers.
type feed struct {
	packets chan *memberlist.Packet
	streams chan net.Conn
	sent    chan struct{}
	count   int
}

type addr string

func (a addr) Network() string { return "feed" }
func (a addr) String() string  { return string(a) }

func (f *feed) FinalAdvertiseAddr(string, int) (net.IP, int, error) {
	return net.IPv4(127, 0, 0, 1).To4(), 7946, nil
}
func (f *feed) WriteTo(b []byte, to string) (time.Time, error) {
	f.count++
	if f.sent != nil {
		f.sent <- struct{}{}
	}
	return time.Now(), nil
}
func (f *feed) PacketCh() <-chan *memberlist.Packet { return f.packets }
func (f *feed) DialTimeout(string, time.Duration) (net.Conn, error) {
	return nil, fmt.Errorf("no dialling here")
}
func (f *feed) StreamCh() <-chan net.Conn { return f.streams }
func (f *feed) Shutdown() error           { return nil }

func (f *feed) packet(b []byte) {
	f.packets <- &memberlist.Packet{Buf: b, From: addr("127.0.0.1:9"), Timestamp: time.Now()}
}

// A user message is handled when every alive before it has been: that is the fence.
type fence chan struct{}

func (d fence) NodeMeta(int) []byte             { return nil }
func (d fence) NotifyMsg([]byte)                { d <- struct{}{} }
func (d fence) GetBroadcasts(int, int) [][]byte { return nil }
func (d fence) LocalState(bool) []byte          { return nil }
func (d fence) MergeRemoteState([]byte, bool)   {}

type conn struct {
	in     *bytes.Reader
	out    bytes.Buffer
	closed chan struct{}
}

func (c *conn) Read(b []byte) (int, error)       { return c.in.Read(b) }
func (c *conn) Write(b []byte) (int, error)      { return c.out.Write(b) }
func (c *conn) Close() error                     { close(c.closed); return nil }
func (c *conn) LocalAddr() net.Addr              { return addr("127.0.0.1:7946") }
func (c *conn) RemoteAddr() net.Addr             { return addr("127.0.0.1:9") }
func (c *conn) SetDeadline(time.Time) error      { return nil }
func (c *conn) SetReadDeadline(time.Time) error  { return nil }
func (c *conn) SetWriteDeadline(time.Time) error { return nil }

func start(key []byte, compress bool) (*memberlist.Memberlist, *feed, fence) {
	f := &feed{packets: make(chan *memberlist.Packet), streams: make(chan net.Conn)}
	d := make(fence, 1)
	c := memberlist.DefaultLANConfig()
	c.Name = "self"
	c.Transport = f
	c.Delegate = d
	c.Logger = log.New(io.Discard, "", 0)
	c.SecretKey = key
	c.EnableCompression = compress
	c.ProbeInterval, c.GossipInterval, c.PushPullInterval = 0, 0, 0
	c.HandoffQueueDepth = 1 << 30
	m, err := memberlist.Create(c)
	if err != nil {
		log.Fatal(err)
	}
	return m, f, d
}

// ------------------------------------------------------------------ the same bytes as bench.c

func raw(b []byte, s string) []byte { return append(append(b, 0xa0|byte(len(s))), s...) }

func name(i int) string { return fmt.Sprintf("node-%05d", i) }

func entry(b []byte, i int, incarnation byte, state bool) []byte {
	head, key := byte(0x86), "Node"
	if state {
		head, key = 0x87, "Name"
	}
	b = append(b, head)
	b = raw(raw(b, "Addr"), string([]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}))
	b = append(raw(b, "Incarnation"), incarnation)
	b = append(raw(b, "Meta"), 0xc0)
	b = raw(raw(b, key), name(i))
	b = append(raw(b, "Port"), 0xcd, 0x1f, 0x0a)
	if state {
		b = append(raw(b, "State"), 0)
	}
	return raw(raw(b, "Vsn"), string([]byte{1, 5, 2, 0, 0, 0}))
}

func alivePackets(members int, incarnation byte) [][]byte {
	var packets [][]byte
	for i := 0; i < members; i += 20 {
		b := []byte{7, 20}
		var parts []byte
		for k := i; k < i+20; k++ {
			part := entry([]byte{4}, k, incarnation, false)
			b = binary.BigEndian.AppendUint16(b, uint16(len(part)))
			parts = append(parts, part...)
		}
		packets = append(packets, append(b, parts...))
	}
	return packets
}

func ping(seq uint32) []byte {
	b := raw(raw([]byte{0, 0x82}, "Node"), "self")
	return append(raw(b, "SeqNo"), 0xce, byte(seq>>24), byte(seq>>16), byte(seq>>8), byte(seq))
}

func pushPull(members int, incarnation byte) []byte {
	b := append(raw([]byte{6, 0x83}, "Join"), 0xc2)
	b = binary.BigEndian.AppendUint32(append(raw(b, "Nodes"), 0xce), uint32(members))
	b = append(raw(b, "UserStateLen"), 0)
	for i := 0; i < members; i++ {
		b = entry(b, i, incarnation, true)
	}
	return b
}

// A packet as memberlist sends it: compressed where that is asked for, encrypted.
func sealAll(key []byte, packets [][]byte, compress bool) [][]byte {
	block, _ := aes.NewCipher(key)
	gcm, _ := cipher.NewGCM(block)
	var sealed [][]byte
	for _, p := range packets {
		if compress {
			var short bytes.Buffer
			w := lzw.NewWriter(&short, lzw.LSB, 8)
			w.Write(p)
			w.Close()
			p = append(raw([]byte{9, 0x82}, "Algo"), 0)
			p = append(raw(p, "Buf"), 0xda, byte(short.Len()>>8), byte(short.Len()))
			p = append(p, short.Bytes()...)
		}
		nonce := make([]byte, 12)
		rand.Read(nonce)
		sealed = append(sealed, gcm.Seal(append([]byte{1}, nonce...), nonce, p, nil))
	}
	return sealed
}

// ------------------------------------------------------------------ measuring

// CPU time of the process in nanoseconds, the collector's included: other load on the machine
// doesn't count.
func now() int64 {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return u.Utime.Nano() + u.Stime.Nano()
}

func median(once func() float64) float64 {
	var v []float64
	once()
	for i := 0; i < repetitions; i++ {
		v = append(v, once())
	}
	sort.Float64s(v)
	return v[len(v)/2]
}

func report(name string, v float64) { fmt.Printf("%s %.2f\n", name, v) }

// Copies: the library keeps parts of a packet. A fence every 40 packets keeps its queue as short as
// a node's is.
func feedAll(f *feed, d fence, packets [][]byte, last []byte, rounds int) {
	n := 0
	for r := 0; r < rounds; r++ {
		for _, p := range packets {
			f.packet(append([]byte(nil), p...))
			if n++; n%40 == 0 {
				f.packet(append([]byte(nil), last...))
				<-d
			}
		}
	}
	f.packet(append([]byte(nil), last...))
	<-d
}

// Every ping answered takes queued alives along, until they have been sent often enough.
func drain(m *memberlist.Memberlist, f *feed, members int) {
	f.sent = make(chan struct{}, 1)
	for i := 0; i < members*2; i++ {
		f.packet(ping(uint32(i)))
		<-f.sent
	}
	f.sent = nil
}

func stale(name string, members int, key []byte) {
	m, f, d := start(key, key != nil)
	fence := []byte{8}
	first, packets := alivePackets(members, 10), alivePackets(members, 5)
	if key != nil {
		fence = sealAll(key, [][]byte{fence}, false)[0]
		first, packets = sealAll(key, first, true), sealAll(key, packets, true)
	}
	feedAll(f, d, first, fence, 1)
	rounds := 200000 / members
	report(name+"_"+strconv.Itoa(members), median(func() float64 {
		begin := now()
		feedAll(f, d, packets, fence, rounds)
		return float64(now()-begin) / float64(members*rounds)
	}))
	m.Shutdown()
}

// Each is news: taken, stored, queued to be passed on.
func fresh(members int) {
	m, f, d := start(nil, false)
	feedAll(f, d, alivePackets(members, 10), []byte{8}, 1)
	drain(m, f, members)
	incarnation := byte(10)
	report("fresh_alive_"+strconv.Itoa(members), median(func() float64 {
		incarnation++
		packets := alivePackets(members, incarnation)
		begin := now()
		feedAll(f, d, packets, []byte{8}, 1)
		return float64(now()-begin) / float64(members)
	}))
	m.Shutdown()
}

func pings(name string, compress bool) {
	m, f, _ := start(secret, compress)
	const n = 50000
	sealed := make([][]byte, n)
	for i := range sealed {
		sealed[i] = ping(uint32(i) + 70000)
	}
	sealed = sealAll(secret, sealed, false) // too short to become shorter
	report(name, median(func() float64 {
		copies := make([][]byte, n)
		for i := range copies {
			copies[i] = append([]byte(nil), sealed[i]...)
		}
		f.count = 0
		begin := now()
		for _, p := range copies {
			f.packet(p)
		}
		for f.count < n { // one core: the reader runs when this yields
			runtime.Gosched()
		}
		return float64(now()-begin) / n
	}))
	m.Shutdown()
}

type broadcast struct {
	name string
	msg  []byte
}

func (b *broadcast) Invalidates(memberlist.Broadcast) bool { return false }
func (b *broadcast) Name() string                          { return b.name }
func (b *broadcast) Message() []byte                       { return b.msg }
func (b *broadcast) Finished()                             {}

func queue(depth int) {
	var fill, empty []float64
	all := make([]broadcast, depth)
	for i := range all {
		all[i] = broadcast{name(i), bytes.Repeat([]byte{4}, 60+i%8)}
	}
	for r := 0; r <= repetitions; r++ {
		q := &memberlist.TransmitLimitedQueue{NumNodes: func() int { return 99 }, RetransmitMult: 4}
		runtime.GC()
		begin := now()
		for i := range all {
			// the library keeps what it is given: a message of its own for each
			q.QueueBroadcast(&broadcast{all[i].name, append([]byte(nil), all[i].msg...)})
		}
		filled := now()
		sent := 0
		for {
			msgs := q.GetBroadcasts(2, 1400)
			if len(msgs) == 0 {
				break
			}
			sent += len(msgs)
		}
		if sent != depth*8 {
			log.Fatalf("sent %d of %d", sent, depth*8)
		}
		if r > 0 {
			fill = append(fill, float64(filled-begin)/float64(depth))
			empty = append(empty, float64(now()-filled)/float64(sent))
		}
	}
	sort.Float64s(fill)
	sort.Float64s(empty)
	report("queue_fill_"+strconv.Itoa(depth), fill[len(fill)/2])
	report("queue_drain_"+strconv.Itoa(depth), empty[len(empty)/2])
}

func exchange(f *feed, request []byte) int {
	c := &conn{in: bytes.NewReader(request), closed: make(chan struct{})}
	f.streams <- c
	<-c.closed
	return c.out.Len()
}

func pushPulls(members int) {
	m, f, d := start(nil, false)
	feedAll(f, d, alivePackets(members, 10), []byte{8}, 1)
	drain(m, f, members)
	request := pushPull(members, 5)
	report("push_pull_"+strconv.Itoa(members), median(func() float64 {
		begin := now()
		got := exchange(f, request)
		if got < len(request) {
			log.Fatalf("push/pull: %d bytes back", got)
		}
		return float64(now()-begin) / float64(members)
	}))
	m.Shutdown()
}

func heap() float64 {
	var s runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&s)
	return float64(s.HeapAlloc)
}

// Its name of 10 bytes and its address included.
func memory(members int) {
	m, f, d := start(nil, false)
	before := heap()
	feedAll(f, d, alivePackets(members, 10), []byte{8}, 1)
	drain(m, f, members)
	if m.NumMembers() != members+1 {
		log.Fatalf("%d members", m.NumMembers())
	}
	report("member_bytes_"+strconv.Itoa(members), (heap()-before)/float64(members))
	m.Shutdown()
}

func main() {
	runtime.GOMAXPROCS(1)
	if len(os.Args) > 1 && os.Args[1] == "--version" {
		fmt.Println("hashicorp/memberlist", version())
		return
	}
	for _, members := range []int{1000, 10000, 100000} {
		memory(members)
	}
	for _, members := range []int{1000, 10000, 100000} {
		stale("stale_alive", members, nil)
	}
	fresh(1000)
	fresh(10000)
	stale("sealed_stale_alive", 10000, secret)
	pings("encrypted_ping", false)
	pings("sealed_ping", true)
	for _, depth := range []int{100, 1000, 10000, 100000} {
		queue(depth)
	}
	pushPulls(1000)
	pushPulls(10000)
	pushPulls(100000)
	idle(50, 30)
}
