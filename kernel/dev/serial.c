/*
 * A 16550 at COM1. RANK_CONSOLE, interrupts off, keeps one write's bytes together; input needs no
 * lock, one CPU gets its interrupts. After a panic no lock is taken (printk.c says why).
 *
 * Output polls: a console line is short, and QEMU takes it at once or makes the port not ready, so
 * nothing is lost.
 */
#include "dev/serial.h"
#include "arch/x86_64/io.h"
#include "arch/x86_64/irq.h"
#include "cpu/panic.h"
#include "cpu/spinlock.h"

#define COM1     0x3f8
#define COM1_IRQ 4

enum {
	UART_DATA = COM1,
	UART_INTERRUPTS = COM1 + 1,
	UART_DIVISOR_LOW = COM1,      /* with LINE_DIVISOR */
	UART_DIVISOR_HIGH = COM1 + 1, /* with LINE_DIVISOR */
	UART_FIFO = COM1 + 2,
	UART_LINE = COM1 + 3,
	UART_MODEM = COM1 + 4,
	UART_STATUS = COM1 + 5,
};

#define LINE_8N1      0x03
#define LINE_DIVISOR  0x80
#define FIFO_RESET_ON 0x07
#define MODEM_READY   0x0b /* DTR, RTS, and OUT2, which lets interrupts through */
#define INTERRUPT_RX  0x01
#define STATUS_RX     0x01
#define STATUS_TX     0x20 /* the whole FIFO is empty */
#define FIFO_SIZE     16

static DEFINE_SPINLOCK(serial_lock, RANK_CONSOLE);
static void (*input_handler)(char c);
static u32 fifo_room; /* bytes that fit before the status must be asked again; serial_lock */

static void put_byte(char c)
{
	if (fifo_room == 0) {
		while (!(inb(UART_STATUS) & STATUS_TX))
			cpu_relax();
		fifo_room = FIFO_SIZE;
	}
	outb(UART_DATA, c);
	fifo_room--;
}

static void put_bytes(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		put_byte(text[i]);
}

void serial_write(const char *text, size_t size)
{
	u64 flags;

	if (panic_in_progress()) {
		put_bytes(text, size);
		return;
	}
	flags = spin_lock_irqsave(&serial_lock);
	put_bytes(text, size);
	spin_unlock_irqrestore(&serial_lock, flags);
}

void serial_init(void)
{
	outb(UART_INTERRUPTS, 0);
	outb(UART_LINE, LINE_DIVISOR);
	outb(UART_DIVISOR_LOW, 1); /* 115200 bit/s */
	outb(UART_DIVISOR_HIGH, 0);
	outb(UART_LINE, LINE_8N1);
	outb(UART_FIFO, FIFO_RESET_ON);
	outb(UART_MODEM, MODEM_READY);
	console_register(serial_write);
}

int serial_poll_char(void)
{
	return inb(UART_STATUS) & STATUS_RX ? inb(UART_DATA) : -1;
}

static void serial_interrupt(void *arg)
{
	void (*handler)(char c) = READ_ONCE(input_handler);
	int c;

	(void)arg;
	while ((c = serial_poll_char()) >= 0)
		if (handler)
			handler(c);
}

void serial_set_input(void (*handler)(char c))
{
	WRITE_ONCE(input_handler, handler);
}

int serial_start_input(void)
{
	int vector = irq_alloc_vector(serial_interrupt, NULL);
	int error;

	if (vector < 0)
		return vector;
	error = irq_route_isa(COM1_IRQ, vector);
	if (error)
		return error;
	outb(UART_INTERRUPTS, INTERRUPT_RX);
	return 0;
}
