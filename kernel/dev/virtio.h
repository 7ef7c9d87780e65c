/*
 * Virtio devices on PCI (Virtio 1.1, 4.1) and their split virtqueues (2.6). Only the modern
 * interface.
 */
#ifndef DEV_VIRTIO_H
#define DEV_VIRTIO_H

#include "dev/pci.h"
#include "mm/page_alloc.h"

#define VIRTIO_F_VERSION_1 BIT(32)

/* Set by virtio_open(), constant afterwards. */
struct virtio_device {
	const struct pci_device *pci;
	u8 *common;            /* common configuration */
	u8 *notify;            /* notification registers */
	u8 *config;            /* the device's own configuration */
	u32 notify_multiplier; /* bytes between the registers of two queues */
};

/* All of a queue lies in one frame. */
#define VIRTQUEUE_MAX_SIZE 128

/* A buffer of a queue is one descriptor; its id is the descriptor's number, chosen by whoever posts
 * it. */
struct virtqueue {
	u16 index;      /* its number in the device */
	u16 size;       /* descriptors; a power of two */
	u16 next_avail; /* free-running: buffers posted so far */
	u16 next_used;  /* free-running: buffers taken back so far */
	struct virtq_desc *desc;
	struct virtq_avail *avail;
	struct virtq_used *used;
	u8 *notify; /* register that tells the device of posted buffers */
};

enum virtq_direction { VIRTQ_FROM_DRIVER, VIRTQ_FROM_DEVICE };

/* A queue that raises no interrupt: its owner polls. */
#define VIRTIO_NO_VECTOR 0xffff

/*
 * Resets a device and agrees on `features`, VIRTIO_F_VERSION_1 among them, all of which it must
 * have. Returns 0, or -ENODEV with a line that says why.
 */
int __must_check virtio_open(struct virtio_device *device, const struct pci_device *pci,
			     u64 features);

/*
 * Sets up queue `index` with `size` descriptors and an entry of the MSI-X table, or
 * VIRTIO_NO_VECTOR. Between virtio_open() and virtio_start(). Returns 0, -ENODEV when the device
 * has no such queue (printed), -ENOMEM. May sleep.
 */
int __must_check virtqueue_init(struct virtio_device *device, struct virtqueue *queue, u32 index,
				u32 size, u16 msix_entry);

/* From here on the device works. */
void virtio_start(struct virtio_device *device);

/* Tells the device that its driver gave up. */
void virtio_fail(struct virtio_device *device);

/*
 * The three below: any context, no lock. One caller at a time for a queue; posting and taking may
 * be two.
 *
 * Posts `length` bytes of the direct map as buffer `id`, which the device does not have. It learns
 * of it by a kick.
 */
void virtqueue_post(struct virtqueue *queue, u32 id, const void *data, u32 length,
		    enum virtq_direction direction);
void virtqueue_kick(struct virtqueue *queue);

/* Takes back a buffer that the device is done with. Returns its id and sets *length to the bytes
 * the device wrote; -1: none. */
int virtqueue_take(struct virtqueue *queue, u32 *length);

/* Whether virtqueue_take() would find one. */
bool virtqueue_has_used(const struct virtqueue *queue);

#endif
