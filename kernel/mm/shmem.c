/* Shared memory without a file: an address_space that counts its users. */
#include "mm/shmem.h"

#include "cpu/rwsem.h"
#include "lib/errno.h"
#include "mm/limits.h"
#include "mm/slab.h"

struct shmem {
	struct address_space mapping;
	struct rwsem lock; /* RANK_INODE: punching holes */
	atomic_t refs;
	u64 charged; /* pages; constant */
};

static struct kmem_cache *shmem_cache;

void shmem_init(void)
{
	shmem_cache = kmem_cache_create("shmem", sizeof(struct shmem));
	BUG_ON(!shmem_cache);
}

static struct shmem *shmem_of(struct address_space *mapping)
{
	return container_of(mapping, struct shmem, mapping);
}

static void get(struct address_space *mapping)
{
	atomic_inc(&shmem_of(mapping)->refs);
}

static void put(struct address_space *mapping)
{
	struct shmem *shmem = shmem_of(mapping);

	if (atomic_dec_return(&shmem->refs))
		return;
	mapping_destroy(mapping);
	mm_uncharge(shmem->charged);
	kmem_cache_free(shmem_cache, shmem);
}

static int punch_hole(struct address_space *mapping, u64 pos, u64 n)
{
	struct shmem *shmem = shmem_of(mapping);
	int error;

	down_write(&shmem->lock);
	error = mapping_punch_hole(mapping, pos, n);
	up_write(&shmem->lock);
	return error;
}

static const struct address_space_ops shmem_ops = {
	.get = get, .put = put, .punch_hole = punch_hole};

struct address_space *shmem_create(const struct mm *mm, u64 size, u32 vm_flags, int *error)
{
	u64 charge = vm_flags & VM_NORESERVE ? 0 : PAGE_ALIGN(size) >> PAGE_SHIFT;
	struct shmem *shmem;

	*error = -ENOMEM;
	if (mm_charge(mm, charge))
		return NULL;
	shmem = kmem_cache_alloc(shmem_cache, GFP_KERNEL);
	if (!shmem) {
		mm_uncharge(charge);
		return NULL;
	}
	mapping_init(&shmem->mapping, &shmem_ops);
	shmem->mapping.size = size;
	rwsem_init(&shmem->lock, RANK_INODE);
	atomic_set(&shmem->refs, 1);
	shmem->charged = charge;
	*error = 0;
	return &shmem->mapping;
}
