/*
 * Virtio on PCI: finding a device's register blocks, agreeing on features, split virtqueues.
 *
 * Owns nothing; each driver owns its device and queues. A queue's rings are shared with the device:
 * indices are free-running 16 bits, the driver writes avail->index last and reads used->index first
 * (acquire and release are enough on both sides). Buffers consist of one descriptor each, so there
 * is no list of free descriptors and no chaining. The device's "no need to notify" flag is ignored:
 * buffers are large and few, a spare kick is cheaper than the full barrier that reading the flag
 * needs.
 *
 * Numbers are those of Virtio 1.1, sections 2.6 and 4.1.4.
 */
#include "dev/virtio.h"

#include "cpu/panic.h"
#include "dev/mmio.h"
#include "lib/errno.h"

/* A vendor capability: where a block of registers is. */
#define CAP_TYPE              3
#define CAP_BAR               4
#define CAP_OFFSET            8
#define CAP_NOTIFY_MULTIPLIER 16
#define CAP_TYPE_COMMON       1
#define CAP_TYPE_NOTIFY       2
#define CAP_TYPE_DEVICE       4

/* Common configuration. */
#define COMMON_DEVICE_FEATURE_SELECT 0
#define COMMON_DEVICE_FEATURE        4
#define COMMON_DRIVER_FEATURE_SELECT 8
#define COMMON_DRIVER_FEATURE        12
#define COMMON_CONFIG_VECTOR         16
#define COMMON_NUM_QUEUES            18
#define COMMON_STATUS                20
#define COMMON_QUEUE_SELECT          22
#define COMMON_QUEUE_SIZE            24
#define COMMON_QUEUE_VECTOR          26
#define COMMON_QUEUE_ENABLE          28
#define COMMON_QUEUE_NOTIFY_OFF      30
#define COMMON_QUEUE_DESC            32
#define COMMON_QUEUE_DRIVER          40
#define COMMON_QUEUE_DEVICE          48

#define STATUS_ACKNOWLEDGE 1
#define STATUS_DRIVER      2
#define STATUS_DRIVER_OK   4
#define STATUS_FEATURES_OK 8
#define STATUS_FAILED      128

#define RESET_LIMIT_NS NSEC_PER_SEC

#define DESC_DEVICE_WRITES BIT(1)
#define AVAIL_NO_INTERRUPT BIT(0)

struct virtq_desc {
	u64 address;
	u32 length;
	u16 flags;
	u16 next;
};

struct virtq_avail {
	u16 flags;
	u16 index;
	u16 ring[];
};

struct virtq_used_element {
	u32 id;
	u32 length;
};

struct virtq_used {
	u16 flags;
	u16 index;
	struct virtq_used_element ring[];
};

/* Offsets of the rings in a queue's frame, for the largest queue. */
#define AVAIL_OFFSET (VIRTQUEUE_MAX_SIZE * sizeof(struct virtq_desc))
#define USED_OFFSET \
	ALIGN_UP(AVAIL_OFFSET + sizeof(struct virtq_avail) + sizeof(u16) * VIRTQUEUE_MAX_SIZE, 8)

static_assert(USED_OFFSET + sizeof(struct virtq_used) +
			      sizeof(struct virtq_used_element) * VIRTQUEUE_MAX_SIZE <=
		      PAGE_SIZE,
	      "a queue lies in one frame");

static u8 get_status(const struct virtio_device *device)
{
	return mmio_read8(device->common + COMMON_STATUS);
}

static void add_status(struct virtio_device *device, u8 bits)
{
	mmio_write8(device->common + COMMON_STATUS, get_status(device) | bits);
}

/* The block of registers of one type, or NULL (printed). Sets *cap to the capability that names it.
 */
static u8 *map_block(const struct pci_device *pci, u8 type, u32 *cap)
{
	*cap = 0;
	while ((*cap = pci_find_capability(pci, PCI_CAP_VENDOR, *cap)) != 0) {
		if (pci_read8(pci, *cap + CAP_TYPE) == type) {
			u8 *bar = pci_map_bar(pci, pci_read8(pci, *cap + CAP_BAR));

			return bar ? bar + pci_read32(pci, *cap + CAP_OFFSET) : NULL;
		}
	}
	printk("virtio %x:%x.%x: no register block of type %u", pci->bus, pci->slot, pci->function,
	       type);
	return NULL;
}

static int map_blocks(struct virtio_device *device)
{
	u32 cap;

	device->common = map_block(device->pci, CAP_TYPE_COMMON, &cap);
	device->config = map_block(device->pci, CAP_TYPE_DEVICE, &cap);
	device->notify = map_block(device->pci, CAP_TYPE_NOTIFY, &cap);
	if (!device->common || !device->config || !device->notify)
		return -ENODEV;
	device->notify_multiplier = pci_read32(device->pci, cap + CAP_NOTIFY_MULTIPLIER);
	return 0;
}

/* The device has finished its reset when its status reads 0. */
static int reset(struct virtio_device *device)
{
	u64 begin = clock_ns();

	mmio_write8(device->common + COMMON_STATUS, 0);
	while (get_status(device) != 0) {
		if (clock_ns() - begin > RESET_LIMIT_NS) {
			printk("virtio: the device does not come out of reset");
			return -ENODEV;
		}
		cpu_relax();
	}
	return 0;
}

static u64 offered_features(struct virtio_device *device)
{
	u64 features;

	mmio_write32(device->common + COMMON_DEVICE_FEATURE_SELECT, 0);
	features = mmio_read32(device->common + COMMON_DEVICE_FEATURE);
	mmio_write32(device->common + COMMON_DEVICE_FEATURE_SELECT, 1);
	return features | (u64)mmio_read32(device->common + COMMON_DEVICE_FEATURE) << 32;
}

static int negotiate(struct virtio_device *device, u64 features)
{
	u64 offered = offered_features(device);

	if (features & ~offered) {
		printk("virtio: the device lacks features 0x%lx", features & ~offered);
		return -ENODEV;
	}
	mmio_write32(device->common + COMMON_DRIVER_FEATURE_SELECT, 0);
	mmio_write32(device->common + COMMON_DRIVER_FEATURE, features);
	mmio_write32(device->common + COMMON_DRIVER_FEATURE_SELECT, 1);
	mmio_write32(device->common + COMMON_DRIVER_FEATURE, features >> 32);
	add_status(device, STATUS_FEATURES_OK);
	if (!(get_status(device) & STATUS_FEATURES_OK)) {
		printk("virtio: the device refuses features 0x%lx", features);
		return -ENODEV;
	}
	return 0;
}

int virtio_open(struct virtio_device *device, const struct pci_device *pci, u64 features)
{
	int error;

	device->pci = pci;
	pci_enable(pci);
	error = map_blocks(device);
	if (error)
		return error;
	error = reset(device);
	if (error)
		return error;
	add_status(device, STATUS_ACKNOWLEDGE | STATUS_DRIVER);
	mmio_write16(device->common + COMMON_CONFIG_VECTOR, VIRTIO_NO_VECTOR);
	error = negotiate(device, features);
	if (error)
		virtio_fail(device);
	return error;
}

/* Selects a queue; whether the device has it with at least `size` descriptors. */
static bool select_queue(struct virtio_device *device, u32 index, u32 size)
{
	if (index >= mmio_read16(device->common + COMMON_NUM_QUEUES))
		return false;
	mmio_write16(device->common + COMMON_QUEUE_SELECT, index);
	return mmio_read16(device->common + COMMON_QUEUE_SIZE) >= size;
}

static void write_address(struct virtio_device *device, u32 offset, const void *data)
{
	u64 address = virt_to_phys(data);

	mmio_write32(device->common + offset, address);
	mmio_write32(device->common + offset + 4, address >> 32);
}

int virtqueue_init(struct virtio_device *device, struct virtqueue *queue, u32 index, u32 size,
		   u16 msix_entry)
{
	struct page *page;
	u8 *memory;

	BUG_ON(size == 0 || size > VIRTQUEUE_MAX_SIZE || (size & (size - 1)));
	if (!select_queue(device, index, size)) {
		printk("virtio: the device has no queue %u of %u descriptors", index, size);
		return -ENODEV;
	}
	page = alloc_page(GFP_KERNEL | GFP_ZERO, PAGE_IO);
	if (!page)
		return -ENOMEM;
	memory = page_virt(page);
	*queue = (struct virtqueue){
		.index = index,
		.size = size,
		.desc = (struct virtq_desc *)memory,
		.avail = (struct virtq_avail *)(memory + AVAIL_OFFSET),
		.used = (struct virtq_used *)(memory + USED_OFFSET),
		.notify = device->notify + mmio_read16(device->common + COMMON_QUEUE_NOTIFY_OFF) *
						   device->notify_multiplier,
	};
	if (msix_entry == VIRTIO_NO_VECTOR)
		queue->avail->flags = AVAIL_NO_INTERRUPT;
	mmio_write16(device->common + COMMON_QUEUE_SIZE, size);
	mmio_write16(device->common + COMMON_QUEUE_VECTOR, msix_entry);
	write_address(device, COMMON_QUEUE_DESC, queue->desc);
	write_address(device, COMMON_QUEUE_DRIVER, queue->avail);
	write_address(device, COMMON_QUEUE_DEVICE, queue->used);
	mmio_write16(device->common + COMMON_QUEUE_ENABLE, 1);
	return 0;
}

void virtio_start(struct virtio_device *device)
{
	add_status(device, STATUS_DRIVER_OK);
}

void virtio_fail(struct virtio_device *device)
{
	add_status(device, STATUS_FAILED);
}

void virtqueue_post(struct virtqueue *queue, u32 id, const void *data, u32 length,
		    enum virtq_direction direction)
{
	BUG_ON(id >= queue->size);
	queue->desc[id] = (struct virtq_desc){
		.address = virt_to_phys(data),
		.length = length,
		.flags = direction == VIRTQ_FROM_DEVICE ? DESC_DEVICE_WRITES : 0,
	};
	queue->avail->ring[queue->next_avail % queue->size] = id;
	queue->next_avail++;
	__atomic_store_n(&queue->avail->index, queue->next_avail, __ATOMIC_RELEASE);
}

void virtqueue_kick(struct virtqueue *queue)
{
	/* The value is the queue's number, by which devices with one register for all queues tell
	 * them apart. */
	mmio_write16(queue->notify, queue->index);
}

bool virtqueue_has_used(const struct virtqueue *queue)
{
	return __atomic_load_n(&queue->used->index, __ATOMIC_ACQUIRE) != queue->next_used;
}

int virtqueue_take(struct virtqueue *queue, u32 *length)
{
	struct virtq_used_element element;

	if (!virtqueue_has_used(queue))
		return -1;
	element = queue->used->ring[queue->next_used % queue->size];
	queue->next_used++;
	BUG_ON(element.id >= queue->size);
	*length = element.length;
	return element.id;
}
