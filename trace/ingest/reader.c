#include "trace/ingest/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEADER_SIZE     ((uint32_t)sizeof(struct trace_packet))
#define TIMESTAMP_RANGE (UINT64_C(1) << TRACE_TIMESTAMP_BITS)

/* Names file and offset; the rest of the stream is given up: after a damaged packet nothing says
 * where the next one begins. */
#define DAMAGE(stream, offset, format, ...)                                                      \
	error_new(ERROR_DAMAGE,                                                                  \
		  "%s: byte %" PRIu64 ": " format                                                \
		  "; the rest of this CPU's events is left out: record again for a whole trace", \
		  (stream)->path, (uint64_t)(offset), ##__VA_ARGS__)

struct error *stream_open(struct stream *stream, const char *path, uint32_t cpu,
			  const struct layout *layout)
{
	struct stat st;

	*stream = (struct stream){.layout = layout, .cpu = cpu, .fd = -1, .loss_t = UINT64_MAX};
	stream->buffer = xcalloc(1, TRACE_SUBBUF_SIZE);
	stream->path = strdup(path);
	if (!stream->path)
		return error_new(ERROR_FATAL, "out of memory");
	/* Not to wait for the writer of what is no file but a pipe. */
	stream->fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (stream->fd < 0 || fstat(stream->fd, &st) != 0)
		return error_new(ERROR_FATAL, "%s: cannot be opened: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return error_new(ERROR_FATAL,
				 "%s: not a regular file: a session holds one file per CPU", path);
	stream->file_size = (uint64_t)st.st_size;
	return NULL;
}

void stream_close(struct stream *stream)
{
	if (stream->fd >= 0)
		close(stream->fd);
	free(stream->path);
	free(stream->buffer);
	free(stream->losses);
	error_free(stream->damage);
	*stream = (struct stream){.fd = -1};
}

void stream_look(struct stream *stream)
{
	struct stat st;

	if (fstat(stream->fd, &st) == 0 && (uint64_t)st.st_size > stream->file_size)
		stream->file_size = (uint64_t)st.st_size;
}

static struct error *read_at(struct stream *stream, void *out, size_t size, uint64_t offset)
{
	size_t done = 0;

	while (done < size) {
		ssize_t got =
			pread(stream->fd, (char *)out + done, size - done, (off_t)(offset + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return DAMAGE(stream, offset + done, "cannot be read: %s",
				      got < 0 ? strerror(errno) : "the file shrank");
		done += (size_t)got;
	}
	return NULL;
}

/* The fields that say what this is: format, version, CPU, place in the stream. */
static struct error *check_identity(struct stream *stream, const struct trace_packet *packet,
				    uint64_t offset)
{
	static const uint8_t uuid[16] = TRACE_UUID;

	if (packet->magic != TRACE_MAGIC)
		return DAMAGE(stream, offset, "magic is 0x%08x and should be 0x%08x", packet->magic,
			      TRACE_MAGIC);
	if (memcmp(packet->uuid, uuid, sizeof(uuid)) != 0)
		return DAMAGE(stream, offset + offsetof(struct trace_packet, uuid),
			      "the UUID is that of another format or version");
	if (packet->stream_id != 0 || packet->pad != 0)
		return DAMAGE(stream, offset + offsetof(struct trace_packet, stream_id),
			      "stream id or padding is not zero");
	if (packet->stream_instance_id != stream->cpu || packet->cpu_id != stream->cpu)
		return DAMAGE(stream, offset + offsetof(struct trace_packet, stream_instance_id),
			      "a packet of CPU %u in the file of CPU %u", packet->cpu_id,
			      stream->cpu);
	if (packet->packet_seq_num != stream->next_seq)
		return DAMAGE(stream, offset + offsetof(struct trace_packet, packet_seq_num),
			      "packet number %" PRIu64 " and should be %" PRIu64,
			      packet->packet_seq_num, stream->next_seq);
	return NULL;
}

/* The fields that say how much this is; after it, content_size can be relied on. */
static struct error *check_extent(struct stream *stream, const struct trace_packet *packet,
				  uint64_t offset)
{
	if (packet->content_size % 64 != 0 || packet->content_size / 8 < HEADER_SIZE ||
	    packet->content_size / 8 > TRACE_SUBBUF_SIZE)
		return DAMAGE(stream, offset + offsetof(struct trace_packet, content_size),
			      "a packet of %" PRIu64 " bits", packet->content_size);
	if (packet->packet_size != packet->content_size)
		return DAMAGE(stream, offset + offsetof(struct trace_packet, packet_size),
			      "packet size %" PRIu64 " differs from content size %" PRIu64,
			      packet->packet_size, packet->content_size);
	if (packet->packet_seq_num == 0 && packet->content_size / 8 != HEADER_SIZE)
		return DAMAGE(stream, offset + offsetof(struct trace_packet, content_size),
			      "the first packet of a stream holds events");
	if (packet->timestamp_begin > packet->timestamp_end ||
	    packet->timestamp_begin < stream->last_t)
		return DAMAGE(stream, offset + offsetof(struct trace_packet, timestamp_begin),
			      "time goes backwards: %" PRIu64 " to %" PRIu64 " after %" PRIu64,
			      packet->timestamp_begin, packet->timestamp_end, stream->last_t);
	if (packet->events_discarded < stream->discarded || packet->emitted < stream->emitted)
		return DAMAGE(stream, offset + offsetof(struct trace_packet, events_discarded),
			      "a cumulative counter went down");
	return NULL;
}

static uint16_t header_id(uint64_t header)
{
	return header & 0xffff;
}

/* All 64 bits of an event's stamp: the 48 in its header count from the packet's begin, and may have
 * wrapped once since. */
static uint64_t event_time(const struct trace_packet *packet, uint64_t header)
{
	uint64_t stamp = header >> 16;
	uint64_t base = packet->timestamp_begin & ~(TIMESTAMP_RANGE - 1);

	return base + stamp + (base + stamp < packet->timestamp_begin ? TIMESTAMP_RANGE : 0);
}

/* Walks the packet in memory from event to event; `count` receives their number. */
static struct error *check_events(struct stream *stream, uint64_t offset, uint32_t size,
				  uint64_t *count)
{
	const struct trace_packet *packet = (const struct trace_packet *)stream->buffer;
	uint64_t last = packet->timestamp_begin;
	uint32_t pos = HEADER_SIZE;

	for (*count = 0; pos < size; ++*count) {
		uint64_t header = stream->buffer[pos / 8];
		int32_t payload = stream->layout->size[header_id(header)];
		uint64_t t = event_time(packet, header);

		if (payload < 0)
			return DAMAGE(stream, offset + pos, "event id 0x%02x is not in events.tsv",
				      header_id(header));
		if ((uint32_t)payload > size - pos - 8)
			return DAMAGE(stream, offset + pos, "event %s overruns its packet",
				      layout_event_name(stream->layout, header_id(header)));
		if (t > packet->timestamp_end)
			return DAMAGE(stream, offset + pos,
				      "event %s is stamped outside its packet's time",
				      layout_event_name(stream->layout, header_id(header)));
		if (t < last)
			return DAMAGE(
				stream, offset + pos,
				"event %s is stamped %" PRIu64 " ns before the one in front of it",
				layout_event_name(stream->layout, header_id(header)), last - t);
		last = t;
		pos += 8 + (uint32_t)payload;
	}
	return NULL;
}

/* Remembers that events are missing in front of a good packet or inside it, if they are. */
static void note_loss(struct stream *stream, const struct trace_packet *packet)
{
	uint64_t missing = packet->emitted - stream->received;
	/* The kernel discards while no packet is open. Of one that it left open in a crash, events inside are missing. */
	uint64_t until = stream->recovered ? packet->timestamp_end : packet->timestamp_begin;

	/* Counters that do not add up may also tell of too many. */
	if ((int64_t)(missing - stream->missing) <= 0) {
		stream->missing = missing;
		return;
	}
	if (stream->nr_losses == stream->max_losses) {
		stream->max_losses = stream->max_losses ? 2 * stream->max_losses : 16;
		stream->losses =
			xrealloc(stream->losses, stream->max_losses, sizeof(*stream->losses));
	}
	stream->losses[stream->nr_losses++] =
		(struct loss_window){stream->last_t, until, missing - stream->missing};
	stream->missing = missing;
}

/* Takes the counters of a good packet over, and remembers where certainty ends. */
static void account(struct stream *stream, const struct trace_packet *packet, uint64_t count)
{
	stream->received += count;
	note_loss(stream, packet);
	if (packet->emitted != stream->received + packet->events_discarded &&
	    !stream->miscount.found)
		stream->miscount = (struct miscount){true, packet->packet_seq_num, packet->emitted,
						     stream->received, packet->events_discarded};
	if (stream->loss_t == UINT64_MAX &&
	    (packet->events_discarded > 0 || stream->miscount.found))
		stream->loss_t = stream->last_t;
	stream->discarded = packet->events_discarded;
	stream->emitted = packet->emitted;
	stream->last_t = packet->timestamp_end;
	stream->next_seq++;
}

/* Brings the next packet into memory. Returns NULL with pos == end at the end of the file. */
static struct error *load_packet(struct stream *stream)
{
	const struct trace_packet *packet = (const struct trace_packet *)stream->buffer;
	uint64_t offset = stream->next_offset;
	uint64_t left = stream->file_size - offset;
	struct error *error;
	uint64_t count;
	uint32_t size;

	stream->pos = stream->end = 0;
	if (left < HEADER_SIZE) {
		stream->trimmed_bytes = stream->growing ? 0 : left;
		return NULL;
	}
	error = read_at(stream, stream->buffer, HEADER_SIZE, offset);
	if (!error)
		error = check_identity(stream, packet, offset);
	if (!error)
		error = check_extent(stream, packet, offset);
	if (error)
		return error;
	size = (uint32_t)(packet->content_size / 8);
	if (size > left) {
		stream->trimmed_bytes = stream->growing ? 0 : left;
		return NULL;
	}
	error = read_at(stream, (char *)stream->buffer + HEADER_SIZE, size - HEADER_SIZE,
			offset + HEADER_SIZE);
	if (!error)
		error = check_events(stream, offset, size, &count);
	if (error)
		return error;
	account(stream, packet, count);
	stream->next_offset = offset + size;
	stream->pos = HEADER_SIZE;
	stream->end = size;
	return NULL;
}

bool stream_next(struct stream *stream, struct event *event)
{
	uint64_t header;

	while (stream->pos == stream->end) {
		if (stream->damage || stream->trimmed_bytes)
			return false;
		stream->damage = load_packet(stream);
		if (stream->damage || stream->end == 0)
			break;
	}
	if (stream->damage || stream->pos == stream->end) {
		stream->pos = stream->end = 0;
		if (stream->damage && stream->loss_t == UINT64_MAX)
			stream->loss_t = stream->last_t;
		return false;
	}
	header = stream->buffer[stream->pos / 8];
	event->id = header_id(header);
	event->size = (uint16_t)stream->layout->size[event->id];
	event->t = event_time((const struct trace_packet *)stream->buffer, header);
	event->cpu = stream->cpu;
	event->payload = &stream->buffer[stream->pos / 8 + 1];
	stream->pos += 8 + event->size;
	return true;
}
