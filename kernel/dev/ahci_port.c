/*
 * A port of the AHCI controller and the disk behind it.
 *
 * Owns the port's registers and its command memory (struct ahci_dma). A tag is a command slot.
 * Commands are READ and WRITE FPDMA QUEUED where controller and disk can queue, else READ and WRITE
 * DMA EXT with a single tag, because an error of unqueued commands does not say whose it is when
 * more than one slot is in use.
 *
 * issue() and finished() run under the disk lock; the rest runs at boot or in the block thread
 * while nothing is issued. The interrupt handler takes no lock: it moves PxIS into port->status.
 *
 * Errors. What tells of one: error bits in PxIS, ERR in PxTFD, a bit in PxSERR. All three are
 * looked at, because a controller may report a failed queued command only by the latter two, and a
 * good command that ends later hides the second; PxSERR stays until it is cleared. A failed queued
 * command keeps its bit in PxSACT, so finished() never mistakes it for a good one. restart() resets
 * the link, not only the command engine, because that alone makes every disk drop its queue. DF in
 * PxTFD is no sign: it may be set after a reset without meaning anything.
 *
 * Numbers of registers, bits and structures: AHCI 1.3.1, sections 3.3 (registers), 4.2
 * (memory), 10.1 and 10.4 (start, reset).
 */
#include "dev/ahci_port.h"

#include "cpu/panic.h"
#include "dev/mmio.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/page_alloc.h"

/* Registers of a port. */
#define PX_CLB  0x00
#define PX_CLBU 0x04
#define PX_FB   0x08
#define PX_FBU  0x0c
#define PX_IS   0x10
#define PX_IE   0x14
#define PX_CMD  0x18
#define PX_TFD  0x20
#define PX_SSTS 0x28
#define PX_SCTL 0x2c
#define PX_SERR 0x30
#define PX_SACT 0x34
#define PX_CI   0x38

#define IS_DEVICE_TO_HOST BIT(0) /* an unqueued command ended */
#define IS_SET_BITS       BIT(3) /* queued commands ended */
#define IS_ERRORS         (BIT(24) | BIT(26) | BIT(27) | BIT(28) | BIT(29) | BIT(30))
#define CMD_START         BIT(0)
#define CMD_SPIN_UP       BIT(1)
#define CMD_POWER         BIT(2)
#define CMD_FIS_RECEIVE   BIT(4)
#define CMD_FIS_RUNNING   BIT(14)
#define CMD_LIST_RUNNING  BIT(15)
#define TFD_ERR           BIT(0)
#define TFD_DRQ           BIT(3)
#define TFD_BSY           BIT(7)
#define SSTS_DET          0xf
#define SSTS_DET_READY    3 /* a device is there and the link works */
#define SCTL_DET          0xf
#define SCTL_DET_RESET    1

#define ATA_READ_DMA_EXT   0x25
#define ATA_WRITE_DMA_EXT  0x35
#define ATA_READ_FPDMA     0x60
#define ATA_WRITE_FPDMA    0x61
#define ATA_IDENTIFY       0xec
#define ATA_DEVICE_LBA     BIT(6)
#define FIS_HOST_TO_DEVICE 0x27
#define FIS_COMMAND        BIT(7)
#define FIS_HOST_DWORDS    5
#define HEADER_WRITE       BIT(6)
#define HEADER_PRDT_SHIFT  16

/* Words of the IDENTIFY data (ATA8-ACS). */
#define ID_QUEUE_DEPTH         75
#define ID_SATA_CAPS           76
#define ID_COMMAND_SETS        83
#define ID_SECTORS             100 /* to 103 */
#define ID_SECTOR_SIZE         106
#define SATA_CAPS_NCQ          BIT(8)
#define COMMAND_SETS_LBA48     BIT(10)
#define SECTOR_SIZE_VALID_MASK 0xc000
#define SECTOR_SIZE_VALID      0x4000
#define SECTOR_SIZE_NOT_512    BIT(12)

/* Limits of the specification: 500 ms for the engines; a disk may take long to spin up and to
 * answer. */
#define ENGINE_LIMIT_NS (500 * NSEC_PER_MSEC)
#define LINK_LIMIT_NS   NSEC_PER_SEC
#define READY_LIMIT_NS  (10 * NSEC_PER_SEC)
/* A reset is signalled for at least 1 ms. */
#define RESET_SIGNAL_NS NSEC_PER_MSEC

struct command_header {
	u32 flags; /* dwords of the command FIS, HEADER_WRITE, entries of the PRDT */
	u32 bytes_done;
	u64 table; /* physical */
	u32 reserved[4];
};

struct prdt_entry {
	u64 address; /* physical */
	u32 reserved;
	u32 last_byte; /* size - 1 */
};

struct command_table {
	u8 fis[64];
	u8 atapi[16];
	u8 reserved[48];
	struct prdt_entry prdt[IO_MAX_PAGES];
};

/* All that the controller reads and writes beside the pages themselves; in one block of frames,
 * aligned to its size. */
struct ahci_dma {
	struct command_header list[DISK_MAX_TAGS];
	u8 received_fis[256];
	struct command_table tables[DISK_MAX_TAGS];
	u16 identify[256];
};

#define DMA_ORDER 3

static_assert(sizeof(struct command_header) == 32, "AHCI 4.2.2");
static_assert(sizeof(struct prdt_entry) == 16, "AHCI 4.2.3.3");
static_assert(offsetof(struct command_table, prdt) == 0x80, "AHCI 4.2.3");
static_assert(offsetof(struct ahci_dma, received_fis) % 256 == 0, "AHCI 3.3.3");
static_assert(offsetof(struct ahci_dma, tables) % 128 == 0, "AHCI 4.2.2");
static_assert(sizeof(struct command_table) % 128 == 0, "AHCI 4.2.2");
static_assert(sizeof(struct ahci_dma) <= PAGE_SIZE << DMA_ORDER, "command memory");

/* What one command asks for. */
struct command {
	u8 code;
	bool write;
	u64 sector;
	u16 count;    /* as the command's sector count field has it */
	u16 features; /* queued commands: the number of sectors */
};

static struct ahci_port *disk_port(struct disk *disk)
{
	return container_of(disk, struct ahci_port, disk);
}

static u32 port_read(const struct ahci_port *port, u32 offset)
{
	return mmio_read32(port->regs + offset);
}

static void port_write(struct ahci_port *port, u32 offset, u32 value)
{
	mmio_write32(port->regs + offset, value);
}

/* Writes the FIS of a command and its header into a slot; nr_prdt entries of the slot's table say
 * where the data is. */
static void fill_slot(struct ahci_port *port, u32 slot, const struct command *command, u32 nr_prdt)
{
	struct command_header *header = &port->dma->list[slot];
	struct command_table *table = &port->dma->tables[slot];
	const u8 fis[4 * FIS_HOST_DWORDS] = {
		[0] = FIS_HOST_TO_DEVICE,     [1] = FIS_COMMAND,
		[2] = command->code,          [3] = command->features,
		[4] = command->sector,        [5] = command->sector >> 8,
		[6] = command->sector >> 16,  [7] = ATA_DEVICE_LBA,
		[8] = command->sector >> 24,  [9] = command->sector >> 32,
		[10] = command->sector >> 40, [11] = command->features >> 8,
		[12] = command->count,        [13] = command->count >> 8,
	};

	memcpy(table->fis, fis, sizeof(fis));
	*header = (struct command_header){
		.flags = FIS_HOST_DWORDS | (command->write ? HEADER_WRITE : 0) |
			 nr_prdt << HEADER_PRDT_SHIFT,
		.table = virt_to_phys(table),
	};
}

static void port_issue(struct disk *disk, u32 tag, const struct io_request *request)
{
	struct ahci_port *port = disk_port(disk);
	struct prdt_entry *prdt = port->dma->tables[tag].prdt;
	u16 sectors = request->nr_pages << (PAGE_SHIFT - SECTOR_SHIFT);
	struct command command = {
		.write = request->write,
		.sector = request->offset >> SECTOR_SHIFT,
	};

	for (u32 i = 0; i < request->nr_pages; i++)
		prdt[i] = (struct prdt_entry){
			.address = (u64)page_pfn(request->pages[i]) << PAGE_SHIFT,
			.last_byte = PAGE_SIZE - 1,
		};
	if (port->ncq) {
		command.code = request->write ? ATA_WRITE_FPDMA : ATA_READ_FPDMA;
		command.features = sectors;
		command.count = tag << 3;
	} else {
		command.code = request->write ? ATA_WRITE_DMA_EXT : ATA_READ_DMA_EXT;
		command.count = sectors;
	}
	fill_slot(port, tag, &command, request->nr_pages);
	if (port->ncq)
		port_write(port, PX_SACT, BIT(tag));
	port_write(port, PX_CI, BIT(tag));
}

static u32 port_finished(struct disk *disk, u32 in_flight, bool *failed)
{
	struct ahci_port *port = disk_port(disk);
	/* First what is active: an error that ended a command is then visible below. */
	u32 active = port_read(port, PX_CI) | (port->ncq ? port_read(port, PX_SACT) : 0);
	u32 status = __atomic_exchange_n(&port->status, 0, __ATOMIC_SEQ_CST);

	status |= port_read(port, PX_IS);
	*failed = (status & IS_ERRORS) || (port_read(port, PX_TFD) & TFD_ERR) ||
		  port_read(port, PX_SERR);
	if (*failed && !port->ncq)
		return 0;
	return in_flight & ~active;
}

static int stop_engine(struct ahci_port *port)
{
	port_write(port, PX_CMD, port_read(port, PX_CMD) & ~CMD_START);
	if (!mmio_wait32(port->regs + PX_CMD, CMD_LIST_RUNNING, 0, ENGINE_LIMIT_NS)) {
		printk("ahci: the command engine does not stop");
		return -EIO;
	}
	return 0;
}

/* Resets the link and the disk. -ENODEV when no disk answers, -EIO when it does not get ready. */
static int reset_link(struct ahci_port *port)
{
	u32 control = port_read(port, PX_SCTL) & ~SCTL_DET;
	u64 begin = clock_ns();

	port_write(port, PX_SCTL, control | SCTL_DET_RESET);
	while (clock_ns() - begin < RESET_SIGNAL_NS)
		cpu_relax();
	port_write(port, PX_SCTL, control);
	if (!mmio_wait32(port->regs + PX_SSTS, SSTS_DET, SSTS_DET_READY, LINK_LIMIT_NS))
		return -ENODEV;
	/* Coming up sets bits there, and ready is told only when they are clear. */
	port_write(port, PX_SERR, ~0u);
	if (!mmio_wait32(port->regs + PX_TFD, TFD_BSY | TFD_DRQ, 0, READY_LIMIT_NS)) {
		printk("ahci: the disk does not get ready");
		return -EIO;
	}
	return 0;
}

/*
 * Starts the command engine with no error left from before: neither in the registers nor with an
 * interrupt handler that read them before they were cleared here.
 */
static void start_engine(struct ahci_port *port)
{
	port_write(port, PX_SERR, ~0u);
	port_write(port, PX_IS, ~0u);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	while (__atomic_load_n(&port->in_handler, __ATOMIC_ACQUIRE))
		cpu_relax();
	__atomic_store_n(&port->status, 0, __ATOMIC_SEQ_CST);
	port_write(port, PX_CMD, port_read(port, PX_CMD) | CMD_START);
}

static int port_restart(struct disk *disk)
{
	struct ahci_port *port = disk_port(disk);

	if (stop_engine(port) || reset_link(port))
		return -EIO;
	start_engine(port);
	return 0;
}

static const struct disk_ops port_ops = {
	.issue = port_issue,
	.finished = port_finished,
	.restart = port_restart,
};

/* Tells the controller where its memory is, and lets the disk talk. After a reset of the
 * controller: nothing runs. */
static int start_port(struct ahci_port *port)
{
	u64 list = virt_to_phys(port->dma->list);
	u64 fis = virt_to_phys(port->dma->received_fis);
	int error;

	port_write(port, PX_IE, 0);
	error = stop_engine(port);
	if (error)
		return error;
	port_write(port, PX_CLB, list);
	port_write(port, PX_CLBU, list >> 32);
	port_write(port, PX_FB, fis);
	port_write(port, PX_FBU, fis >> 32);
	port_write(port, PX_CMD,
		   port_read(port, PX_CMD) | CMD_FIS_RECEIVE | CMD_SPIN_UP | CMD_POWER);
	error = reset_link(port);
	if (error)
		return error;
	start_engine(port);
	return 0;
}

/* Stops the port for good: the controller writes into our memory no more. Returns whether it
 * obeyed. */
static bool stop_port(struct ahci_port *port)
{
	if (stop_engine(port))
		return false;
	port_write(port, PX_CMD, port_read(port, PX_CMD) & ~CMD_FIS_RECEIVE);
	return mmio_wait32(port->regs + PX_CMD, CMD_FIS_RUNNING, 0, ENGINE_LIMIT_NS);
}

static int identify(struct ahci_port *port)
{
	const struct command command = {.code = ATA_IDENTIFY};

	port->dma->tables[0].prdt[0] = (struct prdt_entry){
		.address = virt_to_phys(port->dma->identify),
		.last_byte = sizeof(port->dma->identify) - 1,
	};
	fill_slot(port, 0, &command, 1);
	port_write(port, PX_CI, BIT(0));
	if (!mmio_wait32(port->regs + PX_CI, BIT(0), 0, READY_LIMIT_NS) ||
	    (port_read(port, PX_TFD) & TFD_ERR)) {
		printk("ahci: the disk does not answer IDENTIFY");
		return -EIO;
	}
	barrier(); /* the data was written behind the compiler's back */
	return 0;
}

/* Reads size and abilities out of the IDENTIFY data. */
static int set_geometry(struct ahci_port *port, u32 nr_slots, bool ncq)
{
	const u16 *id = port->dma->identify;
	u64 sectors = 0;

	if (!(id[ID_COMMAND_SETS] & COMMAND_SETS_LBA48)) {
		printk("ahci: the disk has no 48-bit addresses");
		return -EIO;
	}
	if ((id[ID_SECTOR_SIZE] & SECTOR_SIZE_VALID_MASK) == SECTOR_SIZE_VALID &&
	    (id[ID_SECTOR_SIZE] & SECTOR_SIZE_NOT_512)) {
		printk("ahci: the disk's sectors are not of 512 bytes");
		return -EIO;
	}
	for (u32 i = 0; i < 4; i++)
		sectors |= (u64)id[ID_SECTORS + i] << (16 * i);
	port->disk.backing.size = sectors << SECTOR_SHIFT;
	port->ncq = ncq && (id[ID_SATA_CAPS] & SATA_CAPS_NCQ);
	port->disk.nr_tags = 1;
	if (port->ncq)
		port->disk.nr_tags = min(nr_slots, (u32)(id[ID_QUEUE_DEPTH] & 0x1f) + 1);
	return 0;
}

int ahci_port_open(struct ahci_port *port, u8 *regs, u32 nr_slots, bool ncq)
{
	struct page *page = alloc_pages(GFP_KERNEL | GFP_ZERO, DMA_ORDER, PAGE_IO);
	int error;

	if (!page)
		return -ENOMEM;
	port->regs = regs;
	port->dma = page_virt(page);
	port->disk.ops = &port_ops;
	error = start_port(port);
	if (!error)
		error = identify(port);
	if (!error)
		error = set_geometry(port, nr_slots, ncq);
	/* Memory that the controller may still write to is better lost than used by others. */
	if (error && stop_port(port))
		free_pages(page, DMA_ORDER);
	return error;
}

void ahci_port_enable_interrupts(struct ahci_port *port)
{
	port_write(port, PX_IS, ~0u);
	port_write(port, PX_IE, IS_DEVICE_TO_HOST | IS_SET_BITS | IS_ERRORS);
}

void ahci_port_interrupt(struct ahci_port *port)
{
	u32 status;

	__atomic_store_n(&port->in_handler, true, __ATOMIC_SEQ_CST);
	status = port_read(port, PX_IS);
	port_write(port, PX_IS, status);
	__atomic_fetch_or(&port->status, status, __ATOMIC_SEQ_CST);
	__atomic_store_n(&port->in_handler, false, __ATOMIC_RELEASE);
	disk_interrupt(&port->disk);
}
