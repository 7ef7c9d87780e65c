#include "proc/uts.h"
#include "cpu/spinlock.h"
#include "lib/string.h"

static struct {
	spinlock_t lock; /* RANK_UTS */
	char names[2][UTS_NAME_LEN + 1];
} uts = {.lock = SPINLOCK_INIT(RANK_UTS),
	 .names = {[UTS_NODENAME] = "palimpsest", [UTS_DOMAINNAME] = "(none)"}};

void uts_get(enum uts_name which, char name[UTS_NAME_LEN + 1])
{
	spin_lock(&uts.lock);
	memcpy(name, uts.names[which], UTS_NAME_LEN + 1);
	spin_unlock(&uts.lock);
}

void uts_set(enum uts_name which, const char *name, u32 length)
{
	spin_lock(&uts.lock);
	memset(uts.names[which], 0, UTS_NAME_LEN + 1);
	memcpy(uts.names[which], name, length);
	spin_unlock(&uts.lock);
}
