/*
 * The virtio-serial device: a port for the trace of each CPU, and the control port on which the
 * host sends text.
 */
#ifndef DEV_VIRTIO_SERIAL_H
#define DEV_VIRTIO_SERIAL_H

#include "trace/ring.h"

/*
 * Finds the device, sets up its queues and asks it for its ports. Returns 0; -ENODEV without the
 * device or when it does not fit, -ENOMEM, -ENOSPC, -ETIMEDOUT, each with a line that says why.
 * Once, after pci_init() and when nr_cpus is final. May sleep.
 */
int __must_check virtio_serial_init(void);

/*
 * Waits, 10 s at most, until the host side of the trace port of every CPU below nr_cpus is open:
 * what is sent before that is lost. Returns whether they all are; if not, it has said which is
 * missing. After virtio_serial_init() and before the control port is read. Polls, giving way to
 * other tasks.
 */
bool __must_check virtio_serial_trace_ready(void);

/* Carries sub-buffers to the trace port of their CPU. For trace_start(), once
 * virtio_serial_trace_ready() was true. */
extern const struct trace_sink virtio_trace_sink;

/* The most that one read of the control port returns. */
#define VIRTIO_SERIAL_READ_MAX 256

/*
 * Sleeps until the host has sent something on the control port; copies it to `buffer` of
 * VIRTIO_SERIAL_READ_MAX bytes and returns how much it is, 1 at least. Also handles what the device
 * tells about its ports. One thread calls it.
 */
u32 virtio_serial_read(char *buffer);

/* Whether the host has sent something on the control port that was not read yet. Any context. */
bool virtio_serial_has_input(void);

#endif
