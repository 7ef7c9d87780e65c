/*
 * Virtio-serial with many ports (Virtio 1.1, 5.3): trace ports from guest to host, one control port
 * from host to guest.
 *
 * Owns the device, its control queues, and per port:
 *
 *   absent -> added -> announced -> named
 *
 *   added      the device told of the port (PORT_ADD)
 *   announced  we answered PORT_READY; the device replies with the name and whether the host side
 *              is open
 *   named      the port of a trace or the control port: we opened our side (PORT_OPEN), and
 *              host_open follows the device's PORT_OPEN. Other names stay PORT_UNUSED
 *
 * Ports are announced one by one, each after all messages were read: the device drops a message for
 * which no receive buffer is posted, and has only 32.
 *
 * Queues exist before ports have names: those of ports 1 to nr_cpus + 1 are set up, which is as
 * many as we use; port 0 is kept for a console. The trace queues are polled by their CPU and raise
 * no interrupt. The control receive queue and the control port share one MSI-X entry, whose handler
 * only wakes the reader.
 *
 * Locks: none. A trace queue belongs to the CPU that owns the ring (kernel/trace/ring.h says who
 * calls the sink). Everything else belongs to the task that runs virtio_serial_init() and
 * virtio_serial_trace_ready(), and afterwards to the one that calls virtio_serial_read().
 */
#include "dev/virtio_serial.h"

#include "arch/x86_64/irq.h"
#include "cpu/clock.h"
#include "cpu/panic.h"
#include "cpu/wait.h"
#include "dev/mmio.h"
#include "dev/virtio.h"
#include "lib/errno.h"
#include "lib/string.h"

#define VIRTIO_VENDOR       0x1af4
#define VIRTIO_CONSOLE      0x1043
#define CONSOLE_F_MULTIPORT BIT(1)
#define CONFIG_MAX_NR_PORTS 4
#define MSIX_ENTRY          0

/* Queues 0 and 1 are port 0's, then come the two for control, then two for each port from 1. */
#define CONTROL_RECEIVE_QUEUE    2
#define CONTROL_SEND_QUEUE       3
#define PORT_RECEIVE_QUEUE(port) (2 * (port) + 2)
#define PORT_SEND_QUEUE(port)    (2 * (port) + 3)

#define MAX_PORTS (MAX_CPUS + 2)

/* 32 is the size QEMU gives its control queues; a message is 8 bytes and a port's name. */
#define NR_CONTROL_BUFFERS  32
#define CONTROL_BUFFER_SIZE 64
/* As many as fit into a frame. */
#define NR_READ_BUFFERS (PAGE_SIZE / VIRTIO_SERIAL_READ_MAX)

#define TRACE_PORT_NAME   "org.palimpsest.trace."
#define CONTROL_PORT_NAME "org.palimpsest.ctl"

#define SEND_LIMIT_NS  NSEC_PER_SEC
#define READY_LIMIT_NS (10 * NSEC_PER_SEC)

/* Control messages (5.3.6.2). */
enum control_event {
	DEVICE_READY = 0,
	PORT_ADD = 1,
	PORT_REMOVE = 2,
	PORT_READY = 3,
	PORT_OPEN = 6,
	PORT_NAME = 7,
};

struct control_message {
	u32 port;
	u16 event;
	u16 value;
};

enum port_use { PORT_UNUSED, PORT_TRACE, PORT_CONTROL };

struct port {
	bool added;
	bool announced;
	bool host_open;
	enum port_use use; /* known once it has a name */
	u32 cpu;           /* PORT_TRACE: whose trace it carries */
	struct virtqueue receive;
	struct virtqueue send;
};

static struct virtio_device device;
static struct virtqueue control_receive, control_send;
static u8 *control_buffers;                /* NR_CONTROL_BUFFERS of CONTROL_BUFFER_SIZE */
static struct control_message *outgoing;   /* the message being sent */
static char *read_buffers;                 /* NR_READ_BUFFERS of VIRTIO_SERIAL_READ_MAX */
static struct port ports[MAX_PORTS];       /* by the device's number; [0] is never used */
static u32 nr_ports;                       /* ports that have queues, [0] included */
static struct port *trace_ports[MAX_CPUS]; /* by CPU; set when the port has its name */
static struct port *control_port;          /* likewise */
static DEFINE_WAIT_QUEUE(input_wait);      /* the reader of the control port */

static void input_interrupt(void *arg)
{
	wake_up(arg);
}

static void post_control_buffer(u32 id)
{
	virtqueue_post(&control_receive, id, control_buffers + id * CONTROL_BUFFER_SIZE,
		       CONTROL_BUFFER_SIZE, VIRTQ_FROM_DEVICE);
}

static void post_read_buffer(u32 id)
{
	virtqueue_post(&control_port->receive, id, read_buffers + id * VIRTIO_SERIAL_READ_MAX,
		       VIRTIO_SERIAL_READ_MAX, VIRTQ_FROM_DEVICE);
}

/* Sends a control message and waits until the device has read it. 0 or -ETIMEDOUT. */
static int send_message(u32 port, enum control_event event, u16 value)
{
	u64 begin = clock_ns();
	u32 length;

	*outgoing = (struct control_message){.port = port, .event = event, .value = value};
	virtqueue_post(&control_send, 0, outgoing, sizeof(*outgoing), VIRTQ_FROM_DRIVER);
	virtqueue_kick(&control_send);
	while (virtqueue_take(&control_send, &length) < 0) {
		if (clock_ns() - begin > SEND_LIMIT_NS) {
			printk("virtio-serial: the device does not read control messages");
			return -ETIMEDOUT;
		}
		cpu_relax();
		cond_resched();
	}
	return 0;
}

/* The CPU in the name of a trace port, or -EINVAL for any other name. */
static int parse_trace_name(const char *name)
{
	const char *digit = name + strlen(TRACE_PORT_NAME);
	u32 cpu = 0;

	if (strncmp(name, TRACE_PORT_NAME, strlen(TRACE_PORT_NAME)) != 0 || !*digit)
		return -EINVAL;
	for (; *digit; digit++) {
		if (*digit < '0' || *digit > '9')
			return -EINVAL;
		cpu = cpu * 10 + (*digit - '0');
		if (cpu >= MAX_CPUS)
			return -EINVAL;
	}
	return cpu;
}

/* A port has a name: if it is one of ours, opens our side. 0 or -ETIMEDOUT. */
static int name_port(u32 number, const char *name)
{
	struct port *port = &ports[number];
	int cpu = parse_trace_name(name);

	if (port->use != PORT_UNUSED)
		return 0;
	if (cpu >= 0 && (u32)cpu < nr_cpus && !trace_ports[cpu]) {
		port->use = PORT_TRACE;
		port->cpu = cpu;
		trace_ports[cpu] = port;
	} else if (strcmp(name, CONTROL_PORT_NAME) == 0 && !control_port) {
		port->use = PORT_CONTROL;
		control_port = port;
		for (u32 id = 0; id < NR_READ_BUFFERS; id++)
			post_read_buffer(id);
		virtqueue_kick(&port->receive);
	} else {
		return 0;
	}
	return send_message(number, PORT_OPEN, 1);
}

static void set_host_open(struct port *port, bool open)
{
	if (port->use == PORT_TRACE && port->host_open && !open)
		printk("virtio-serial: the host closed the trace port of CPU %u: "
		       "what is sent from now on is lost",
		       port->cpu);
	port->host_open = open;
}

/* `text`: what follows the message, terminated. 0 or -ETIMEDOUT. */
static int handle_message(const struct control_message *message, const char *text)
{
	struct port *port = &ports[message->port];

	if (message->port == 0 || message->port >= nr_ports) {
		if (message->event == PORT_NAME)
			printk("virtio-serial: port %u (%s) is not used: it has no queues",
			       message->port, text);
		return 0;
	}
	switch (message->event) {
	case PORT_ADD:
		port->added = true;
		return 0;
	case PORT_REMOVE:
		set_host_open(port, false);
		return 0;
	case PORT_NAME:
		return name_port(message->port, text);
	case PORT_OPEN:
		set_host_open(port, message->value != 0);
		return 0;
	default:
		return 0; /* console ports and their sizes */
	}
}

/* Handles all control messages that have come. 0 or -ETIMEDOUT. */
static int receive_messages(void)
{
	u32 length;
	int id;

	while ((id = virtqueue_take(&control_receive, &length)) >= 0) {
		const u8 *buffer = control_buffers + id * CONTROL_BUFFER_SIZE;
		struct control_message message;
		char text[CONTROL_BUFFER_SIZE - sizeof(message) + 1] = "";
		int error = 0;

		/* The device says how long its message was, not how much of it went into the
		 * buffer. */
		length = min(length, (u32)CONTROL_BUFFER_SIZE);
		if (length >= sizeof(message)) {
			memcpy(&message, buffer, sizeof(message));
			memcpy(text, buffer + sizeof(message), length - sizeof(message));
			error = handle_message(&message, text);
		}
		post_control_buffer(id);
		virtqueue_kick(&control_receive);
		if (error)
			return error;
	}
	return 0;
}

/* Announces the next port that waits for it. Returns 1 when there was one, 0 when not, or
 * -ETIMEDOUT. */
static int announce_port(void)
{
	for (u32 i = 1; i < nr_ports; i++) {
		int error;

		if (!ports[i].added || ports[i].announced)
			continue;
		ports[i].announced = true;
		error = send_message(i, PORT_READY, 1);
		return error ? error : 1;
	}
	return 0;
}

/* Reads messages and answers them until there is nothing more to do. 0 or -ETIMEDOUT. */
static int exchange_messages(void)
{
	int result;

	do {
		result = receive_messages();
		if (!result)
			result = announce_port();
	} while (result > 0);
	return result;
}

static int init_port_queues(void)
{
	for (u32 i = 1; i < nr_ports; i++) {
		int error = virtqueue_init(&device, &ports[i].receive, PORT_RECEIVE_QUEUE(i),
					   NR_READ_BUFFERS, MSIX_ENTRY);

		if (!error)
			error = virtqueue_init(&device, &ports[i].send, PORT_SEND_QUEUE(i),
					       TRACE_MAX_SUBBUFS, VIRTIO_NO_VECTOR);
		if (error)
			return error;
	}
	return 0;
}

static int init_queues(void)
{
	int error = virtqueue_init(&device, &control_receive, CONTROL_RECEIVE_QUEUE,
				   NR_CONTROL_BUFFERS, MSIX_ENTRY);

	if (!error)
		error = virtqueue_init(&device, &control_send, CONTROL_SEND_QUEUE, 1,
				       VIRTIO_NO_VECTOR);
	if (!error)
		error = init_port_queues();
	return error;
}

/* One frame for messages of the control channel, in and out, and one for what the control port
 * reads. */
static int init_buffers(void)
{
	struct page *control = alloc_page(GFP_KERNEL | GFP_ZERO, PAGE_IO);
	struct page *read;

	if (!control)
		return -ENOMEM;
	read = alloc_page(GFP_KERNEL | GFP_ZERO, PAGE_IO);
	if (!read) {
		free_page(control);
		return -ENOMEM;
	}
	static_assert(NR_CONTROL_BUFFERS * CONTROL_BUFFER_SIZE + sizeof(*outgoing) <= PAGE_SIZE,
		      "one frame");
	control_buffers = page_virt(control);
	outgoing = (struct control_message *)(control_buffers +
					      NR_CONTROL_BUFFERS * CONTROL_BUFFER_SIZE);
	read_buffers = page_virt(read);
	return 0;
}

static int route_interrupt(void)
{
	int vector = irq_alloc_vector(input_interrupt, &input_wait);

	if (vector < 0)
		return vector;
	return pci_enable_msix(device.pci, MSIX_ENTRY, vector, 0);
}

static int start_device(void)
{
	int error = init_buffers();

	if (!error)
		error = route_interrupt();
	if (!error)
		error = init_queues();
	if (error)
		return error;
	virtio_start(&device);
	for (u32 id = 0; id < NR_CONTROL_BUFFERS; id++)
		post_control_buffer(id);
	virtqueue_kick(&control_receive);
	error = send_message(0, DEVICE_READY, 1);
	if (!error)
		error = exchange_messages();
	return error;
}

int virtio_serial_init(void)
{
	const struct pci_device *pci = pci_find_device(VIRTIO_VENDOR, VIRTIO_CONSOLE);
	u32 max_ports;
	int error;

	if (!pci) {
		printk("virtio-serial: no device: no trace");
		return -ENODEV;
	}
	error = virtio_open(&device, pci, VIRTIO_F_VERSION_1 | CONSOLE_F_MULTIPORT);
	if (error)
		return error;
	max_ports = mmio_read32(device.config + CONFIG_MAX_NR_PORTS);
	nr_ports = min(max_ports, nr_cpus + 2);
	error = start_device();
	if (error) {
		printk("virtio-serial: the device cannot be used (error %d)", error);
		virtio_fail(&device);
	}
	return error;
}

static bool trace_port_open(u32 cpu)
{
	return trace_ports[cpu] && trace_ports[cpu]->host_open;
}

bool virtio_serial_trace_ready(void)
{
	u64 begin = clock_ns();
	u32 cpu = 0; /* all below are open */

	while (cpu < nr_cpus && clock_ns() - begin < READY_LIMIT_NS) {
		if (exchange_messages())
			return false;
		if (trace_port_open(cpu)) {
			cpu++;
			continue;
		}
		cpu_relax();
		cond_resched();
	}
	if (cpu < nr_cpus)
		printk("virtio-serial: port " TRACE_PORT_NAME "%u %s: no trace", cpu,
		       trace_ports[cpu] ? "is not open on the host" : "is missing");
	return cpu == nr_cpus;
}

static void trace_submit(u32 cpu, u32 index, const void *data, u32 length)
{
	struct virtqueue *queue = &trace_ports[cpu]->send;

	virtqueue_post(queue, index, data, length, VIRTQ_FROM_DRIVER);
	virtqueue_kick(queue);
}

static int trace_poll(u32 cpu)
{
	u32 length;

	return virtqueue_take(&trace_ports[cpu]->send, &length);
}

const struct trace_sink virtio_trace_sink = {
	.submit = trace_submit,
	.poll = trace_poll,
};

bool virtio_serial_has_input(void)
{
	return control_port && virtqueue_has_used(&control_port->receive);
}

/* What came on the control port, once; 0 when there is nothing. */
static u32 take_input(char *buffer)
{
	u32 length;
	int id;

	if (!control_port)
		return 0;
	id = virtqueue_take(&control_port->receive, &length);
	if (id < 0)
		return 0;
	length = min(length, (u32)VIRTIO_SERIAL_READ_MAX);
	memcpy(buffer, read_buffers + id * VIRTIO_SERIAL_READ_MAX, length);
	post_read_buffer(id);
	virtqueue_kick(&control_port->receive);
	return length;
}

u32 virtio_serial_read(char *buffer)
{
	u32 length;

	do {
		wait_event(&input_wait,
			   virtio_serial_has_input() || virtqueue_has_used(&control_receive));
		if (exchange_messages())
			printk("virtio-serial: a port could not be opened");
		length = take_input(buffer);
	} while (length == 0);
	return length;
}
