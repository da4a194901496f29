// SPDX-License-Identifier: Apache-2.0
#include <netinet/tcp.h>
#include <string.h>

#include "fragments.h"
#include "frame.h"

/* One side's bytes, by TCP sequence number. */
struct stream {
	uint32_t start; /* of the first byte */
	uint32_t next;	/* behind the last one that was sent */
	uint32_t prior; /* where the last segment began */
	uint32_t first; /* of what was sent */
	bool ended;	/* a FIN was sent, behind next */
};

/* A segment that was sent, whether or not it comes by. */
struct sent {
	const struct stream *stream;
	uint32_t seq, len;
	const uint8_t *payload;
};

struct connection {
	bool ipv6, begun;
	struct endpoint ends[2];   /* by role */
	struct endpoint behind[2]; /* as seen behind the NAT */
	struct stream streams[2];
};

/* What a script is read into, and how far. */
struct reading {
	struct script *script;
	enum script_form form;
	struct connection connections[CONNECTIONS];
	struct action late; /* waits for the next packet, when it has bytes */
	struct endpoint late_from;
	uint32_t sent_count;
	struct sent sent[SCRIPT_ACTIONS];
};

static const uint32_t isns[8] = {1000,	     0,		 0xffffffff, 0xfffffff0,
				 0xfffff000, 0x7ffffff0, 0x80000000, 0xfff00000};

static void add(struct script *script, struct action action)
{
	if (script->count < SCRIPT_ACTIONS)
		script->actions[script->count++] = action;
}

static void deliver(struct reading *reading, struct action packet, bool late)
{
	if (late && !reading->late.bytes) {
		reading->late = packet;
		return;
	}
	add(reading->script, packet);
	if (reading->late.bytes)
		add(reading->script, reading->late);
	reading->late.bytes = NULL;
}

/* The last one has the same port at both ends, so that their addresses sort them. */
static uint16_t port_of(uint32_t index, bool low)
{
	return index == CONNECTIONS - 1 ? 5000 : (low ? 80 : 40000) + index;
}

static void connection_make(struct connection *connection, uint32_t index, uint8_t shape)
{
	bool swapped = shape & SHAPE_SWAPPED;

	memset(connection, 0, sizeof(*connection));
	connection->ipv6 = shape & SHAPE_IPV6;
	for (int role = 0; role < 2; role++) {
		struct endpoint *end = &connection->ends[role];
		struct stream *stream = &connection->streams[role];

		end->address[0] = connection->ipv6 ? 0xfd : 10;
		end->address[connection->ipv6 ? 15 : 3] = 1 + (role ^ swapped);
		end->port = port_of(index, role ^ swapped);
		connection->behind[role] = *end;
		stream->start = isns[shape >> (SHAPE_ISN + 3 * role) & 7] + 1;
		stream->next = stream->prior = stream->start;
	}
	/* Destination NAT, of every other connection also to another port. */
	connection->behind[1].address[1] = 9;
	connection->behind[1].port += index & 1 ? 1000 : 0;
}

static uint32_t seq_of(struct stream *stream, const struct step_head *step)
{
	switch (step->order & 7) {
	case SEQ_BEFORE:
		return stream->next - step->number;
	case SEQ_BEHIND:
		return stream->next + step->number;
	case SEQ_AGAIN:
		return stream->prior;
	case SEQ_FAR:
		return stream->next + ((uint32_t)step->number << 24);
	default:
		return stream->next;
	}
}

static uint32_t ack_of(const struct stream *peer, const struct step_head *step)
{
	switch (step->order >> 3 & 7) {
	case ACK_PRIOR:
		return peer->prior;
	case ACK_NONE:
		return peer->start;
	case ACK_BEHIND:
		return peer->next + step->number;
	case ACK_BEFORE:
		return peer->next - step->number;
	default:
		return peer->next + peer->ended;
	}
}

static uint8_t flags_of(uint8_t how)
{
	return (how & HOW_FIN ? TH_FIN : 0) | (how & HOW_SYN ? TH_SYN : 0) |
	       (how & HOW_RST ? TH_RST : 0) | (how & HOW_NO_ACK ? 0 : TH_ACK);
}

/* Writes a packet behind the others of the script, and makes it come. */
static void send_frame(struct reading *reading, const struct frame *frame, bool late)
{
	struct script *script = reading->script;
	struct action packet = {.kind = ACTION_PACKET, .bytes = script->bytes + script->bytes_used};

	if (script->bytes_used + frame->payload_len + FRAME_EXTRA_MAX > SCRIPT_BYTES)
		return;
	packet.len = frame_write(frame, script->bytes + script->bytes_used, &packet.ethertype,
				 &packet.missing);
	script->bytes_used += packet.len;
	/* What answers a packet cannot come before it. */
	if (reading->late.bytes && memcmp(&reading->late_from, &frame->from, sizeof(frame->from)))
		script->strange = true;
	reading->late_from = frame->from;
	deliver(reading, packet, late);
}

/* On both sides of a NAT: what goes to the server comes by untranslated first, what it sends translated. */
static void send_translated(struct reading *reading, const struct connection *connection,
			    uint8_t role, struct frame frame, bool late)
{
	for (int i = 0; i < 2; i++) {
		const struct endpoint *ends = i == role ? connection->ends : connection->behind;

		frame.from = ends[role];
		frame.to = ends[role ^ 1];
		send_frame(reading, &frame, late);
	}
}

/* Sends the bytes of payload in [from, to), as the step says. */
static void send_part(struct reading *reading, const struct step_head *step, struct frame frame,
		      uint32_t from, uint32_t to)
{
	const struct connection *connection = &reading->connections[step->what % CONNECTIONS];
	uint8_t role = step->what >> 2 & 1;

	frame.seq += from - !!(frame.flags & TH_SYN);
	frame.payload += from;
	frame.payload_len = to - from;
	if (step->how & HOW_LOST)
		return;
	if (step->how & HOW_TRANSLATED)
		send_translated(reading, connection, role, frame, step->how & HOW_LATE);
	else
		send_frame(reading, &frame, step->how & HOW_LATE);
}

/* What is sent from now on is of another connection on the same ports. */
static void begin_anew(struct reading *reading, struct stream *stream, uint8_t number)
{
	if (stream->next != stream->start)
		stream->start = stream->next + ((uint32_t)number << 12);
	stream->next = stream->prior = stream->start;
	stream->first = reading->sent_count;
	stream->ended = false;
}

/* Nothing comes behind a FIN, and there is one place for it. Returns the length that is left, and takes the FIN off. */
static uint32_t keep_to_the_end(const struct stream *stream, uint32_t seq, uint32_t len,
				uint8_t *flags)
{
	int32_t rest = stream->next - seq;

	if (stream->ended && rest < (int32_t)len)
		len = rest > 0 ? rest : 0;
	if (seq + len != stream->next && (stream->ended || rest > 0))
		*flags &= ~TH_FIN;
	return len;
}

/* Bytes that were sent before are those that were sent then. */
static void keep_to_what_was_sent(struct reading *reading, const struct stream *stream,
				  uint32_t seq, uint8_t *payload, uint32_t len)
{
	for (uint32_t i = stream->first; i < reading->sent_count; i++) {
		const struct sent *sent = &reading->sent[i];
		int32_t ahead = sent->seq - seq;
		uint32_t to = ahead > 0 ? ahead : 0, from = ahead < 0 ? seq - sent->seq : 0, count;

		if (sent->stream != stream || from >= sent->len || to >= len)
			continue;
		count = sent->len - from < len - to ? sent->len - from : len - to;
		memcpy(payload + to, sent->payload + from, count);
	}
	if (reading->sent_count < SCRIPT_ACTIONS)
		reading->sent[reading->sent_count++] = (struct sent){stream, seq, len, payload};
}

static void send_segment(struct reading *reading, const struct step_head *step, const uint8_t *text)
{
	struct script *script = reading->script;
	struct connection *connection = &reading->connections[step->what % CONNECTIONS];
	uint8_t role = step->what >> 2 & 1, flags = flags_of(step->how), seq = step->order & 7;
	struct stream *stream = &connection->streams[role];
	uint8_t *payload = script->bytes + script->bytes_used;
	uint32_t len, cut;
	struct frame frame = {.ipv6 = connection->ipv6,
			      .layers = step->layers,
			      .cut_off = step->number,
			      .from = connection->ends[role],
			      .to = connection->ends[role ^ 1],
			      .payload = payload};

	if (script->bytes_used + PAYLOAD_MAX > SCRIPT_BYTES)
		return;
	if (step->how & HOW_LOST || seq == SEQ_BEHIND || seq == SEQ_FAR ||
	    (step->order >> 3 & 7) == ACK_BEHIND || step->layers & (LAYER_CUT_OFF | LAYER_FRAGMENT))
		script->strange = true;
	len = fragments_expand(text, step->text, payload, PAYLOAD_MAX);
	script->bytes_used += len;
	if (flags & TH_RST && !(script->head.settings & SETTING_LIES))
		flags &= ~(TH_SYN | TH_FIN);
	if (flags & TH_SYN && seq != SEQ_AGAIN)
		begin_anew(reading, stream, step->number);
	if (flags & TH_SYN && (!(flags & TH_ACK) != !role || (len && connection->begun)))
		script->strange = true;
	connection->begun |= flags & TH_SYN;
	script->uncut |= !connection->begun || step->how & HOW_LATE;
	frame.seq = seq_of(stream, step);
	frame.ack = ack_of(&connection->streams[role ^ 1], step);
	if ((int32_t)(frame.seq - stream->start) < 0 || (flags & TH_RST && len) ||
	    (flags & TH_SYN && (frame.seq != stream->start || step->how & HOW_LATE)))
		script->strange = true;
	if (!(script->head.settings & SETTING_LIES)) {
		len = keep_to_the_end(stream, frame.seq, len, &flags);
		keep_to_what_was_sent(reading, stream, frame.seq, payload, len);
	}
	if (seq != SEQ_FAR) {
		stream->prior = frame.seq;
		if ((int32_t)(frame.seq + len - stream->next) > 0)
			stream->next = frame.seq + len;
		stream->ended |= flags & TH_FIN;
	}
	cut = step->how & HOW_CUT ? step->number % (len + 1) : 0;
	if (reading->form == SCRIPT_CUT && !cut)
		cut = len / 2;
	if (cut) {
		frame.flags = flags & ~(TH_FIN | TH_RST);
		send_part(reading, step, frame, 0, cut);
		flags &= ~TH_SYN;
	}
	frame.flags = flags;
	send_part(reading, step, frame, cut, len);
}

static void send_handshake(struct reading *reading, struct step_head step)
{
	step.what &= CONNECTIONS - 1;
	step.how = HOW_SYN | HOW_NO_ACK;
	step.order = step.text = 0;
	send_segment(reading, &step, NULL);
	step.what |= CONNECTIONS;
	step.how = HOW_SYN;
	send_segment(reading, &step, NULL);
}

static void send_raw(struct reading *reading, const struct step_head *step, const uint8_t *text,
		     uint32_t len)
{
	struct script *script = reading->script;
	struct action packet = {.kind = ACTION_PACKET,
				.bytes = script->bytes + script->bytes_used,
				.len = len,
				.ethertype = step->number << 8 | step->order};

	if (script->bytes_used + len > SCRIPT_BYTES)
		return;
	memcpy(script->bytes + script->bytes_used, text, len);
	script->bytes_used += len;
	deliver(reading, packet, step->how & HOW_LATE);
}

static void repeat(struct script *script, uint32_t back)
{
	for (uint32_t i = script->count; i-- > 0;)
		if (script->actions[i].kind == ACTION_PACKET && !back--) {
			add(script, script->actions[i]);
			return;
		}
}

static void take_step(struct reading *reading, const struct step_head *step, const uint8_t *text)
{
	static const enum action_kind others[] = {
		[STEP_SILENCE] = ACTION_SILENCE, [STEP_LONG_SILENCE] = ACTION_LONG_SILENCE,
		[STEP_SECOND] = ACTION_SECOND,	 [STEP_FLUSH] = ACTION_FLUSH,
		[STEP_REFUSE] = ACTION_REFUSE,	 [STEP_FORGET] = ACTION_FORGET,
		[STEP_PAUSE] = ACTION_PAUSE,
	};
	enum step_kind kind = step->what >> 3;

	switch (kind) {
	case STEP_REPEAT:
		repeat(reading->script, step->number);
		break;
	case STEP_HANDSHAKE:
		send_handshake(reading, *step);
		break;
	case STEP_RAW:
		send_raw(reading, step, text, step->text);
		break;
	case STEP_SILENCE ... STEP_PAUSE:
		add(reading->script, (struct action){.kind = others[kind], .number = step->number});
		break;
	default:
		send_segment(reading, step, text);
	}
}

void script_read(struct script *script, const uint8_t *data, size_t size, enum script_form form)
{
	static struct reading reading;
	size_t head = size < sizeof(script->head) ? size : sizeof(script->head);

	memset(&script->head, 0, sizeof(script->head));
	memcpy(&script->head, data, head);
	data += head, size -= head;
	script->strange = script->head.settings & SETTING_LIES;
	script->uncut = false;
	script->count = script->bytes_used = 0;
	reading.script = script;
	reading.form = form;
	reading.late.bytes = NULL;
	reading.sent_count = 0;
	for (uint32_t i = 0; i < CONNECTIONS; i++)
		connection_make(&reading.connections[i], i, script->head.connection[i]);
	while (size >= sizeof(struct step_head)) {
		struct step_head step;

		memcpy(&step, data, sizeof(step));
		data += sizeof(step), size -= sizeof(step);
		if (step.text > size)
			step.text = size;
		take_step(&reading, &step, data);
		data += step.text, size -= step.text;
	}
	if (reading.late.bytes)
		add(script, reading.late);
}
