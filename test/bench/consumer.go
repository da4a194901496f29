// SPDX-License-Identifier: Apache-2.0

// consumer OBJECT STREAM RING_BYTES: what consumer.c does, in Go with cilium/ebpf as Debian has it.
package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"os"
	"strconv"
	"sync/atomic"
	"syscall"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/perf"
)

const (
	watermarkBytes = 128 * 1024
	cpusMax        = 1024
	// Offset of the number of events in struct batch.
	lengthAt = 14
	// Offsets in struct counters.
	observedAt = 0
	flushedAt  = 16
)

var events, records uint64

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func read(reader *perf.Reader) {
	var record perf.Record
	for {
		check(reader.ReadInto(&record))
		if record.LostSamples == 0 {
			atomic.AddUint64(&events, uint64(binary.LittleEndian.Uint16(record.RawSample[lengthAt:])))
			atomic.AddUint64(&records, 1)
		}
	}
}

func report(counters *ebpf.Map) {
	var observed, flushed uint64
	for cpu := uint32(0); cpu < counters.MaxEntries(); cpu++ {
		value, err := counters.LookupBytes(cpu)
		check(err)
		observed += binary.LittleEndian.Uint64(value[observedAt:])
		flushed += binary.LittleEndian.Uint64(value[flushedAt:])
	}
	var usage syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	nanos := usage.Utime.Nano() + usage.Stime.Nano()
	fmt.Println(observed, flushed, atomic.LoadUint64(&events), atomic.LoadUint64(&records), nanos)
}

func main() {
	object, stream := os.Args[1], os.Args[2]
	ringBytes, err := strconv.Atoi(os.Args[3])
	check(err)
	spec, err := ebpf.LoadCollectionSpec(object)
	check(err)
	spec.Maps[stream+"_counters"].MaxEntries = cpusMax
	for _, program := range spec.Programs {
		// It knows the section only with a tracepoint's name behind it.
		program.Type = ebpf.RawTracepoint
	}
	collection, err := ebpf.NewCollection(spec)
	check(err)
	options := perf.ReaderOptions{Watermark: watermarkBytes}
	reader, err := perf.NewReaderWithOptions(collection.Maps[stream+"_events"], ringBytes, options)
	check(err)
	go read(reader)
	fmt.Println("ready")
	for asked := bufio.NewScanner(os.Stdin); asked.Scan(); {
		report(collection.Maps[stream+"_counters"])
	}
}
