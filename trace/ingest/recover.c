#include "trace/ingest/recover.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "trace/ingest/reader.h"

#define HEADER_SIZE     ((uint32_t)sizeof(struct trace_packet))
#define MAX_SUBBUFS     64
#define TIMESTAMP_RANGE (UINT64_C(1) << TRACE_TIMESTAMP_BITS)
#define MAX_PATH        4200

/* One stream on its way to its end. */
struct recovery {
	const char *session_dir;
	const struct layout *layout;
	uint32_t cpu;
	const struct trace_ring_place *place;
	uint8_t *ring; /* place->subbufs sub-buffers */
	int fd;
	bool trimmed;                 /* the stream ends in the middle of a packet */
	uint64_t offset, seq, last_t; /* of the next packet, and the end of the one before it */
	uint64_t emitted, told;       /* cumulative: events, those not kept; as the stream tells */
	uint64_t discarded;           /* of those: by the guest */
	struct recovered_stream *out;
};

#define FAIL(r, format, ...)                                                               \
	error_new(ERROR_DAMAGE, "%s: the end of CPU %u's trace is not recovered: " format, \
		  (r)->session_dir, (r)->cpu, ##__VA_ARGS__)
#define FAIL_PACKET(r, format, ...) \
	FAIL(r, "packet %" PRIu64 " in memory " format, (r)->seq, ##__VA_ARGS__)

static void path_of(char path[MAX_PATH], const char *session_dir, const char *directory,
		    uint32_t cpu)
{
	if (snprintf(path, MAX_PATH, "%s/%s/cpu%u", session_dir, directory, cpu) >= MAX_PATH)
		path[0] = '\0';
}

/* Reads a whole file of just `size` bytes; errno says why not, 0: it has another size. */
static bool read_file(const char *path, void *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t done = 0;
	ssize_t got = 1;
	struct stat st;

	if (fd < 0)
		return false;
	while (done < size && got > 0) {
		got = read(fd, (char *)out + done, size - done);
		if (got < 0 && errno == EINTR)
			got = 1;
		else if (got > 0)
			done += (size_t)got;
	}
	if (got >= 0)
		errno = 0;
	if (done == size && fstat(fd, &st) == 0 && (uint64_t)st.st_size != size)
		done = 0;
	close(fd);
	return done == size;
}

/* ---- one packet ---- */

/* The sub-buffer that holds a packet of this CPU, by number in the ring, or NULL. */
static const struct trace_packet *packet_at(const struct recovery *r, uint32_t index)
{
	static const uint8_t uuid[16] = TRACE_UUID;
	const struct trace_packet *packet =
		(const struct trace_packet *)(r->ring + (size_t)index * TRACE_SUBBUF_SIZE);

	if (packet->magic != TRACE_MAGIC || memcmp(packet->uuid, uuid, sizeof(uuid)) != 0 ||
	    packet->stream_id != 0 || packet->pad != 0 || packet->cpu_id != r->cpu ||
	    packet->stream_instance_id != r->cpu)
		return NULL;
	return packet;
}

/* The packet that the stream needs next; NULL: the guest had not made it. *later: whether one
 * behind it is there. */
static const struct trace_packet *find_packet(const struct recovery *r, bool *later)
{
	const struct trace_packet *found = NULL;

	*later = false;
	for (uint32_t i = 0; i < r->place->subbufs; i++) {
		const struct trace_packet *packet = packet_at(r, i);

		if (!packet)
			continue;
		if (packet->packet_seq_num == r->seq && packet->timestamp_begin >= r->last_t)
			found = packet;
		*later |= packet->packet_seq_num > r->seq;
	}
	return found;
}

/* The whole events at the beginning of a packet. */
struct prefix {
	uint32_t size; /* bytes, the packet's header included */
	uint64_t nr_events;
	uint64_t lost; /* whole events behind them */
	uint64_t last_t;
};

static struct prefix whole_events(const struct recovery *r, const struct trace_packet *packet,
				  uint32_t limit)
{
	struct prefix prefix = {.size = HEADER_SIZE, .last_t = packet->timestamp_begin};

	while (prefix.size + 8 <= limit) {
		uint64_t header, t;
		int32_t payload;

		memcpy(&header, (const uint8_t *)packet + prefix.size, 8);
		payload = r->layout->size[header & 0xffff];
		t = (packet->timestamp_begin & ~(TIMESTAMP_RANGE - 1)) + (header >> 16);
		if (t < packet->timestamp_begin)
			t += TIMESTAMP_RANGE;
		/* Half of the range back is older, half of it on is later. */
		if ((header & 0xffff) == 0 || payload < 0 ||
		    (uint32_t)payload > limit - prefix.size - 8 || t < prefix.last_t ||
		    t - packet->timestamp_begin >= TIMESTAMP_RANGE / 2)
			break;
		prefix.size += 8 + (uint32_t)payload;
		prefix.nr_events++;
		prefix.last_t = t;
	}
	return prefix;
}

/* Whole events of an unsent packet behind its prefix. */
static uint64_t events_behind(const struct trace_packet *packet, const struct prefix *prefix,
			      uint32_t limit)
{
	uint64_t committed = -packet->content_size;

	if (packet->packet_size != 0 && packet->content_size <= limit - HEADER_SIZE)
		committed = limit - HEADER_SIZE - packet->content_size;
	if (committed <= prefix->size - HEADER_SIZE || packet->emitted <= prefix->nr_events)
		return 0;
	return packet->emitted - prefix->nr_events;
}

static struct error *append(struct recovery *r, const void *data, uint32_t size)
{
	for (uint32_t done = 0; done < size;) {
		ssize_t put = pwrite(r->fd, (const char *)data + done, size - done,
				     (off_t)(r->offset + done));

		if (put < 0 && errno != EINTR)
			return FAIL(r, "ctf/cpu%u cannot be written: %s", r->cpu, strerror(errno));
		if (put > 0)
			done += (uint32_t)put;
	}
	r->offset += size;
	return NULL;
}

/* Appends a packet of these events, in the form of one that the guest sent. */
static struct error *append_packet(struct recovery *r, const struct trace_packet *from,
				   const struct prefix *prefix, uint64_t timestamp_end)
{
	static union {
		struct trace_packet header;
		uint8_t bytes[TRACE_SUBBUF_SIZE];
	} out;
	uint64_t told = r->discarded + r->out->lost + prefix->lost;
	uint64_t emitted = r->emitted + prefix->nr_events + (told - r->told);
	struct error *error;

	if (told < r->told || emitted < r->emitted || emitted > INT64_MAX)
		return FAIL(r,
			    "%" PRIu64 " events were discarded before packet %" PRIu64
			    ", more than there can be",
			    r->discarded, r->seq);
	/* The rest of a packet that the host had begun to write would stand behind ours. */
	if (r->trimmed && ftruncate(r->fd, (off_t)r->offset) != 0)
		return FAIL(r, "ctf/cpu%u cannot be cut: %s", r->cpu, strerror(errno));
	r->trimmed = false;
	memcpy(&out, from, prefix->size);
	out.header.timestamp_end = timestamp_end;
	out.header.content_size = out.header.packet_size = (uint64_t)prefix->size * 8;
	out.header.events_discarded = told;
	out.header.emitted = emitted;
	error = append(r, &out, prefix->size);
	if (error)
		return error;
	r->seq++;
	r->last_t = timestamp_end;
	r->told = told;
	r->emitted = emitted;
	r->out->lost += prefix->lost;
	r->out->nr_packets++;
	r->out->nr_events += prefix->nr_events;
	return NULL;
}

/* What no packet of this kernel can be, whatever the CPU was doing when the guest stopped. */
static struct error *check_packet(const struct recovery *r, const struct trace_packet *packet)
{
	uint64_t said = packet->packet_size / 8;

	if (packet->packet_size % 64 != 0 || said > TRACE_SUBBUF_SIZE ||
	    (said != 0 && said < HEADER_SIZE))
		return FAIL_PACKET(r, "says that it has %" PRIu64 " bits", packet->packet_size);
	if (packet->events_discarded < r->discarded ||
	    packet->events_discarded > r->place->discarded)
		return FAIL_PACKET(r,
				   "says that %" PRIu64 " events were discarded, and should say "
				   "%" PRIu64 " to %" PRIu64,
				   packet->events_discarded, r->discarded, r->place->discarded);
	return NULL;
}

static struct error *recover_packet(struct recovery *r, const struct trace_packet *packet)
{
	bool sent = packet->packet_size != 0 && packet->content_size == packet->packet_size;
	struct error *error = check_packet(r, packet);
	uint32_t limit = TRACE_SUBBUF_SIZE;
	struct prefix prefix;

	if (error)
		return error;
	if (packet->packet_size)
		limit = (uint32_t)(packet->packet_size / 8);
	prefix = whole_events(r, packet, limit);
	if (r->seq == 0 && prefix.nr_events > 0)
		return FAIL_PACKET(r, "holds events, and the first packet of a stream has none");
	if (sent && prefix.size != limit)
		return FAIL_PACKET(r, "is damaged at byte %u", prefix.size);
	if (sent && (packet->timestamp_end < prefix.last_t ||
		     packet->timestamp_end - packet->timestamp_begin >= TIMESTAMP_RANGE / 2))
		return FAIL_PACKET(r, "ends at %" PRIu64 " ns, and its events at %" PRIu64,
				   packet->timestamp_end, prefix.last_t);
	if (!sent)
		prefix.lost = events_behind(packet, &prefix, limit);
	if (prefix.lost > TRACE_SUBBUF_SIZE / 8)
		return FAIL_PACKET(r, "counts %" PRIu64 " events", packet->emitted);
	r->discarded = packet->events_discarded;
	return append_packet(r, packet, &prefix, sent ? packet->timestamp_end : prefix.last_t);
}

/* An empty packet, when the guest discarded events after the last one. */
static struct error *tell_discarded(struct recovery *r)
{
	const struct trace_packet packet = {
		.magic = TRACE_MAGIC,
		.uuid = TRACE_UUID,
		.stream_instance_id = r->cpu,
		.timestamp_begin = r->last_t,
		.packet_seq_num = r->seq,
		.cpu_id = r->cpu,
	};
	const struct prefix nothing = {.size = HEADER_SIZE, .last_t = r->last_t};

	if (r->place->discarded <= r->discarded)
		return NULL;
	r->discarded = r->place->discarded;
	return append_packet(r, &packet, &nothing, r->last_t);
}

/* ---- one stream ---- */

/* Where the stream ends that the host has. */
static struct error *read_stream(struct recovery *r, const char *path)
{
	struct stream stream;
	struct event event;
	struct error *error = stream_open(&stream, path, r->cpu, r->layout);

	if (!error)
		while (stream_next(&stream, &event))
			;
	if (!error && stream.damage)
		error = FAIL(r, "%s", stream.damage->message);
	r->offset = stream.next_offset;
	r->seq = stream.next_seq;
	r->last_t = stream.last_t;
	r->emitted = stream.emitted;
	r->told = r->discarded = stream.discarded;
	r->trimmed = stream.trimmed_bytes != 0;
	stream_close(&stream);
	return error;
}

static struct error *append_all(struct recovery *r)
{
	const struct trace_packet *packet;
	struct error *error = NULL;
	bool later;

	packet = find_packet(r, &later);
	if (!packet && r->trimmed)
		return FAIL(r,
			    "packet %" PRIu64 ", of which the stream has the beginning, "
			    "is not in memory",
			    r->seq);
	for (; packet && !error; packet = find_packet(r, &later))
		error = recover_packet(r, packet);
	if (!error && later)
		error = FAIL(r, "packet %" PRIu64 " is not in memory, a later one is", r->seq);
	return error ? error : tell_discarded(r);
}

static struct error *recover_stream(struct recovery *r)
{
	size_t ring_size = (size_t)r->place->subbufs * TRACE_SUBBUF_SIZE;
	char stream_path[MAX_PATH], ring_path[MAX_PATH];
	struct error *error;

	path_of(stream_path, r->session_dir, "ctf", r->cpu);
	path_of(ring_path, r->session_dir, "rings", r->cpu);
	error = read_stream(r, stream_path);
	if (error)
		return error;
	r->ring = xcalloc(r->place->subbufs, TRACE_SUBBUF_SIZE);
	r->fd = open(stream_path, O_WRONLY | O_CLOEXEC);
	if (r->fd < 0)
		error = FAIL(r, "%s: %s", stream_path, strerror(errno));
	else if (!read_file(ring_path, r->ring, ring_size))
		error = FAIL(r, "%s: %s", ring_path,
			     errno ? strerror(errno) : "not of the size that the descriptor says");
	else
		error = append_all(r);
	if (r->fd >= 0 && close(r->fd) != 0 && !error)
		error = FAIL(r, "%s: %s", stream_path, strerror(errno));
	free(r->ring);
	return error;
}

/* ---- all of them ---- */

static struct error *read_descriptor(const char *session_dir, struct trace_rings *rings)
{
	char path[MAX_PATH];

	snprintf(path, sizeof(path), "%s/rings/descriptor", session_dir);
	if (!read_file(path, rings, sizeof(*rings)))
		return error_new(ERROR_FATAL, "%s: %s", path,
				 errno ? strerror(errno) : "not of the size of a descriptor");
	if (rings->magic != TRACE_RINGS_MAGIC || rings->version != TRACE_RINGS_VERSION ||
	    rings->subbuf_size != TRACE_SUBBUF_SIZE || rings->nr_cpus > TRACE_MAX_CPUS)
		return error_new(ERROR_FATAL, "%s: not a descriptor of rings of version %d", path,
				 TRACE_RINGS_VERSION);
	for (uint32_t cpu = 0; cpu < rings->nr_cpus; cpu++)
		if (rings->cpu[cpu].subbufs > MAX_SUBBUFS)
			return error_new(ERROR_FATAL, "%s: CPU %u has %u sub-buffers", path, cpu,
					 rings->cpu[cpu].subbufs);
	return NULL;
}

/* The guest may have forgotten a CPU: whether the host has packets of it. */
static bool stream_exists(const char *session_dir, uint32_t cpu)
{
	char path[MAX_PATH];
	struct stat st;

	path_of(path, session_dir, "ctf", cpu);
	return stat(path, &st) == 0 && st.st_size > 0;
}

struct error *recover_session(struct recovered *out, const char *session_dir,
			      const struct layout *layout)
{
	struct trace_rings rings;
	struct error *error = read_descriptor(session_dir, &rings);

	*out = (struct recovered){0};
	if (error)
		return error;
	out->nr_cpus = rings.nr_cpus;
	for (uint32_t cpu = 0; cpu < TRACE_MAX_CPUS; cpu++) {
		struct recovered_stream *stream = &out->cpu[cpu];
		struct recovery r = {.session_dir = session_dir,
				     .layout = layout,
				     .cpu = cpu,
				     .place = &rings.cpu[cpu],
				     .out = stream};

		if (cpu < rings.nr_cpus)
			stream->error = recover_stream(&r);
		else if (stream_exists(session_dir, cpu))
			stream->error =
				FAIL(&r, "the guest says that it has %u CPUs", rings.nr_cpus);
		stream->size = r.offset;
	}
	return NULL;
}

void recovered_free(struct recovered *recovered)
{
	for (uint32_t cpu = 0; cpu < TRACE_MAX_CPUS; cpu++)
		error_free(recovered->cpu[cpu].error);
}
