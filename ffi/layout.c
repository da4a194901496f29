// SPDX-License-Identifier: Apache-2.0
/* Compiled for its BTF only, like bpf/layout.bpf.c: the reader's own types that JavaScript reads. */
#include "reader.h"
#include "replay.h"

const enum barrier_limits *anchor_barrier_limits __attribute__((unused));
const enum record_kind *anchor_record_kind __attribute__((unused));
const struct record *anchor_record __attribute__((unused));
const struct barrier_done *anchor_barrier_done __attribute__((unused));
const struct reader_stats *anchor_reader_stats __attribute__((unused));
const enum cgroup_limits *anchor_cgroup_limits __attribute__((unused));
const enum reader_attach *anchor_reader_attach __attribute__((unused));
const struct reader_options *anchor_reader_options __attribute__((unused));
const struct replay_options *anchor_replay_options __attribute__((unused));
const enum replay_state *anchor_replay_state __attribute__((unused));
const struct replay_status *anchor_replay_status __attribute__((unused));
