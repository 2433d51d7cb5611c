// Go's net and bufio, a length of four bytes before each message: see ../other-peers for the
// command line.
package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"time"
)

const (
	// Written together, as with anysock.
	writing = 128 << 10
	// Read together, as with anysock.
	reading = 64 << 10
)

func main() {
	path := os.Args[2]
	size := int(must(strconv.Atoi(os.Args[3])))
	if os.Args[1] == "recv" {
		seconds := must(strconv.ParseFloat(os.Args[4], 64))
		listener := must(net.Listen("unix", path))
		from := must(listener.Accept())
		receive(bufio.NewReaderSize(from, reading), size, seconds)
		return
	}
	send(bufio.NewWriterSize(must(net.Dial("unix", path)), writing), make([]byte, size))
}

func send(to *bufio.Writer, message []byte) {
	var header [4]byte
	binary.BigEndian.PutUint32(header[:], uint32(len(message)))
	for {
		if _, err := to.Write(header[:]); err != nil {
			return
		}
		if _, err := to.Write(message); err != nil {
			return
		}
	}
}

func receive(from *bufio.Reader, size int, seconds float64) {
	message := make([]byte, size)
	// Looking at the clock costs as much as a small message.
	between := max(65536/size, 1)
	receiveOne(from, message)
	start := time.Now()
	for count := between; ; count += between {
		for i := 0; i < between; i++ {
			receiveOne(from, message)
		}
		if elapsed := time.Since(start).Seconds(); elapsed >= seconds {
			fmt.Printf("%.0f\n", float64(count)/elapsed)
			return
		}
	}
}

func receiveOne(from *bufio.Reader, message []byte) {
	header := must(from.Peek(4))
	if int(binary.BigEndian.Uint32(header)) != len(message) {
		panic("a message of another length")
	}
	must(from.Discard(4))
	must(io.ReadFull(from, message))
}

func max(a, b int) int {
	if a > b {
		return a
	}
	return b
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
