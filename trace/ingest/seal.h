/*
 * The seal of a trace: a checksum of every packet, written when the session has ended. It tells a packet that changed since,
 * which no look at the packet can: an event with another number in it is as legal as before.
 *
 * SESSION/packets.tsv has a line per packet, and one for what is left behind the last whole one:
 *
 *   file  packet  offset  bytes  crc32c     (tabs; the checksum in hexadecimal; packet "-": not a whole one)
 */
#ifndef INGEST_SEAL_H
#define INGEST_SEAL_H

#include "trace/ingest/error.h"

/* Writes SESSION/packets.tsv, replacing one that is there at once. */
struct error *seal_write(const char *session_dir);

/* Compares the streams with SESSION/packets.tsv. Prints one line per packet that differs, or is missing, or was added, to
 * stdout; an error of kind ERROR_DAMAGE when there is one. */
struct error *seal_verify(const char *session_dir);

#endif
