"""The state of memory management, read out of a dump: the objects of trace/verify.def by kind.

Every kind is a dictionary from the object's key (a tuple) to its values (a tuple), both in the order
of verify.def. Numbers and bits are the trace's; what an x86 entry says is read here, from the
manual, and not as the kernel reads it.

  task, mm, vma, anon_vma, avc    the lists of each, from their heads
  mapping, cache, i_mmap          the list of mappings, the tree of pages and the tree of VMAs of each
  pgtable, pte, pmd               the trees below each mm's pgd, levels 4 to 1
  rmap, mapcount                  entries that map a page, and what its struct page says
  page, page_flags, page_slot, page_mapping    the array of struct page
  lru                             the lists, head to tail by their links
  slot, swap_cache                the slot map
  free, pcp                       buddy blocks; frames on a CPU's list, or (None) in the pool of zeroed ones
"""

from dataclasses import dataclass, field
from pathlib import Path

from guestram import ring
from guestram.layout import Layout
from guestram.memory import DumpError, Kernel, Memory, Record

SOURCES = {f"kernel/{name}.c" for name in (
    "mm/page", "mm/lru", "mm/buddy", "mm/pcp", "mm/zero_pool", "mm/swap", "mm/mm", "mm/vma", "mm/rmap", "mm/address_space",
    "mm/fault", "mm/huge_memory", "cpu/percpu", "proc/task", "trace/ring", "arch/x86_64/machine")}

PAGE_SIZE = 4096

# enum page_flags, page_kind and pte_kind of the trace: ABI.
PG_LOCKED, PG_WRITEBACK = 1 << 0, 1 << 3
PG_SWAPCACHE, PG_LRU, PG_RESERVED = 1 << 5, 1 << 7, 1 << 9
PG_BUDDY, PG_PCP, PG_ISOLATED = 1 << 10, 1 << 11, 1 << 13
PAGE_ANON, PAGE_FILE, PAGE_SHMEM, PAGE_SPECIAL = 3, 4, 9, 10
FILE_KINDS = (PAGE_FILE, PAGE_SHMEM)
KIND_PAGE, KIND_ZERO, KIND_SWAP, KIND_SPECIAL = 1, 2, 3, 4
PF_EXITING = 1 << 2
TASK_ZOMBIE, TASK_DEAD = 3, 4
MAX_ORDER, ORDER_TAIL = 10, 0xff
MAX_NODES = 1 << 20  # of any list that is not one of pages

# An x86-64 entry (Intel SDM vol. 3, 4.5), and the kernel's own bits of one that is not present.
PRESENT, WRITE, ACCESSED, DIRTY, HUGE = 1 << 0, 1 << 1, 1 << 5, 1 << 6, 1 << 7
PROTNONE, SWAPPED, NX = 1 << 9, 1 << 10, 1 << 63
FRAME = 0x000ffffffffff000
USER_ENTRIES = 256  # of the top table


@dataclass
class Page:
    """What one struct page says."""

    flags: int
    order: int
    kind: int
    list: int
    refcount: int
    mapcount: int
    next: int
    owner: int  # its anon_vma, or its mapping
    index: int
    slot: int
    ptl: int
    lru_pos: int


@dataclass
class Locks:
    """What is held: spinlocks by name, and of which objects."""

    spin: list[str] = field(default_factory=list)
    ptl: set[int] = field(default_factory=set)  # pfn of the table
    page: set[int] = field(default_factory=set)  # pfn
    mmap: set[int] = field(default_factory=set)  # mm_id, for writing
    anon: set[int] = field(default_factory=set)  # id of the root
    mapping: set[int] = field(default_factory=set)  # mapping_id
    i_mmap: set[int] = field(default_factory=set)  # mapping_id


Objects = dict[str, dict[tuple, tuple]]


class Walk:
    """One walk through a dump. After run(), `objects` and `locks` are complete. cpus: their trace
    rings."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._struct = kernel.layout.struct
        self.objects: Objects = {kind: {} for kind in (
            "task", "mm", "vma", "anon_vma", "avc", "pgtable", "pte", "pmd", "rmap", "mapcount", "page",
            "page_flags", "page_slot", "page_mapping", "mapping", "cache", "i_mmap", "lru", "slot", "swap_cache", "free", "pcp")}
        self.locks = Locks()
        self.cpus = ring.read(kernel)
        self._anon_ids: dict[int, int] = {0: 0}
        self._mapping_ids: dict[int, int] = {0: 0}
        self._pages: list[Page] = []

    def run(self) -> None:
        self._read_pages()
        self._walk_tasks()
        self._walk_anon_vmas()
        self._walk_mappings()
        self._walk_mms()
        self._walk_frames()
        self._walk_lru()
        self._walk_swap()
        self._walk_free()

    # ---- struct page ----

    def _read_pages(self) -> None:
        kernel, page = self._kernel, self._struct("page")
        record = Record(page, "flags", "order", "kind", "list", "refcount.v", "mapcount.v", "lru.next",
                        "anon_vma", "index", "slot", "lru_pos")
        self._map = kernel.value("mem_map")
        self._node = self._map + page.offset("lru")
        self._page_size = page.size
        count = kernel.value("max_pfn")
        array = kernel.memory.read(kernel.physical(self._map), count * page.size)
        locked = page.offset("ptl") + self._struct("spinlock").offset("locked")
        for at in range(0, len(array), page.size):
            flags, order, kind, on, refs, maps, following, owner, index, slot, pos = record.unpack(
                array[at:at + page.size])
            self._pages.append(Page(flags, order, kind, on, refs, maps + 1, following, owner, index, slot,
                                    array[at + locked], pos))
        self.zero_pfn = self._pfn_of(kernel.value("zero_page") + page.offset("lru"))

    def _pfn_of(self, node: int) -> int:
        """The frame whose struct page holds this list node."""
        pfn, rest = divmod(node - self._node, self._page_size)
        if rest or not 0 <= pfn < len(self._pages):
            raise DumpError(f"0x{node:x} is no node of a struct page")
        return pfn

    def _walk_frames(self) -> None:
        objects, step = self.objects, 1
        pfn = -step
        while (pfn := pfn + step) < len(self._pages):
            page, step = self._pages[pfn], 1
            if page.flags & (PG_RESERVED | PG_PCP):
                continue
            if page.order <= MAX_ORDER:
                step = 1 << page.order
            if page.flags & PG_BUDDY or page.refcount <= 0:
                continue
            objects["page"][pfn,] = (page.kind, page.order)
            if page.flags:
                objects["page_flags"][pfn,] = (page.flags,)
            if page.flags & (PG_LOCKED | PG_WRITEBACK):
                self.locks.page.add(pfn)
            if page.flags & PG_SWAPCACHE:
                objects["page_slot"][pfn,] = (page.slot,)
            if page.kind in (PAGE_ANON, *FILE_KINDS) and page.mapcount:
                for part in range(step):  # a page of 512 frames is mapped as a whole
                    objects["mapcount"][pfn + part,] = (page.mapcount,)
            if page.kind in FILE_KINDS and page.owner:
                objects["page_mapping"][pfn,] = (self._mapping_id(page.owner), page.index)

    # ---- tasks and address spaces ----

    def _walk_tasks(self) -> None:
        kernel, task = self._kernel, self._struct("task")
        record = Record(task, "cur.pid", "cur.flags", "cur.mm", "cur.comm", "state")
        mm_id = self._struct("mm").member("id")
        for node in kernel.list(kernel.variable("task_list"), MAX_NODES):
            pid, flags, mm, comm, state = kernel.record(node - task.offset("node"), record)
            if flags & PF_EXITING or state in (TASK_ZOMBIE, TASK_DEAD):
                continue
            of = kernel.number(kernel.physical(mm) + mm_id.offset, mm_id.size) if mm else 0
            self.objects["task"][pid,] = (of, comm.split(b"\0")[0].decode(errors="replace"))

    def _walk_anon_vmas(self) -> None:
        kernel, anon_vma = self._kernel, self._struct("anon_vma")
        record = Record(anon_vma, "root", "lock.locked", "id")
        found = []
        for node in kernel.list(kernel.variable("all"), MAX_NODES):
            address = node - anon_vma.offset("node")
            root, locked, number = kernel.record(address, record)
            self._anon_ids[address] = number
            found.append((number, root))
            if locked:
                self.locks.anon.add(number)
        for number, root in found:
            self.objects["anon_vma"][number,] = (self._anon_id(root),)

    def _anon_id(self, address: int) -> int:
        """The id of an anon_vma; one that is on no list any more still says it."""
        if address not in self._anon_ids:
            self._anon_ids[address] = self._kernel.field(address, self._struct("anon_vma"), "id")
        return self._anon_ids[address]

    # ---- the page cache ----

    def _walk_mappings(self) -> None:
        kernel, mapping = self._kernel, self._struct("address_space")
        record = Record(mapping, "id", "lock.locked", "pages.root", "i_mmap_lock.locked", "i_mmap.rb.rb_node")
        for node in kernel.list(kernel.variable("all_mappings"), MAX_NODES):
            address = node - mapping.offset("node")
            number, locked, root, tree_locked, tree = kernel.record(address, record)
            self._mapping_ids[address] = number
            self.objects["mapping"][number,] = ()
            if locked:
                self.locks.mapping.add(number)
            if tree_locked:
                self.locks.i_mmap.add(number)
            if root:
                self._walk_cache(number, root, 0)
            if tree:
                self._walk_i_mmap(number, tree)

    def _mapping_id(self, address: int) -> int:
        """The id of a mapping; one that is on no list any more still says it."""
        if address not in self._mapping_ids:
            self._mapping_ids[address] = self._kernel.field(address, self._struct("address_space"), "id")
        return self._mapping_ids[address]

    def _walk_cache(self, mapping_id: int, node: int, base: int) -> None:
        """Everything below a node of a radix tree, which covers places from base on."""
        kernel, struct = self._kernel, self._struct("radix_node")
        slots = struct.member("slots")
        words = kernel.memory.read(kernel.physical(node) + slots.offset, slots.size).cast("Q").tolist()
        shift = kernel.field(node, struct, "shift")
        for index, word in enumerate(words):
            at = base + (index << shift)
            if not word:
                continue
            if shift:
                self._walk_cache(mapping_id, word, at)
            elif word & 1:
                self.objects["cache"][mapping_id, at] = (KIND_SWAP, None, word >> 1)
            else:
                pfn = self._pfn_of(word + self._struct("page").offset("lru"))
                self.objects["cache"][mapping_id, at] = (KIND_PAGE, pfn, None)

    def _walk_i_mmap(self, mapping_id: int, node: int) -> None:
        """The VMAs below a node of a red-black tree."""
        kernel, vma = self._kernel, self._struct("vma")
        record = Record(vma, "id", "pgoff", "i_mmap_node.rb.rb_left", "i_mmap_node.rb.rb_right")
        number, pgoff, *children = kernel.record(node - vma.offset("i_mmap_node.rb"), record)
        self.objects["i_mmap"][number,] = (mapping_id, pgoff)
        for child in filter(None, children):
            self._walk_i_mmap(mapping_id, child)

    def _walk_mms(self) -> None:
        kernel, mm = self._kernel, self._struct("mm")
        record = Record(mm, "id", "pgd", "mmap_lock.readers")
        for node in kernel.list(kernel.variable("mm_list"), MAX_NODES):
            address = node - mm.offset("node")
            number, pgd, readers = kernel.record(address, record)
            pgd = kernel.physical(pgd)
            self.objects["mm"][number,] = (pgd // PAGE_SIZE,)
            if readers < 0:
                self.locks.mmap.add(number)
            if self._pages[pgd // PAGE_SIZE].ptl:
                self.locks.ptl.add(pgd // PAGE_SIZE)
            self._walk_vmas(number, address + mm.offset("vmas"))
            self._walk_table(number, pgd, 4, 0)

    def _walk_vmas(self, mm_id: int, head: int) -> None:
        kernel, vma, chain = self._kernel, self._struct("vma"), self._struct("anon_vma_chain")
        record = Record(vma, "id", "flags", "start", "end", "anon_vma")
        for node in kernel.list(head, MAX_NODES):
            address = node - vma.offset("node")
            number, flags, start, end, anon_vma = kernel.record(address, record)
            self.objects["vma"][number,] = (mm_id, start, end, flags, self._anon_id(anon_vma))
            for link in kernel.list(address + vma.offset("chain"), MAX_NODES):
                tied = kernel.field(link - chain.offset("node"), chain, "anon_vma")
                self.objects["avc"][number, self._anon_id(tied)] = ()

    # ---- page tables ----

    def _walk_table(self, mm_id: int, table: int, level: int, va: int) -> None:
        """Everything below one table. Addresses of programs have bit 47 clear, so none needs its
        sign extended."""
        entries = self._kernel.memory.read(table, PAGE_SIZE).cast("Q").tolist()
        shift = 12 + 9 * (level - 1)
        for index, entry in enumerate(entries[:USER_ENTRIES] if level == 4 else entries):
            if not entry:
                continue
            at = va + (index << shift)
            if level == 1:
                self._add_entry(mm_id, at, entry)
            elif level == 2 and entry & HUGE:
                self.objects["pmd"][mm_id, at] = ((entry & FRAME) // PAGE_SIZE,)
                for part in range(512):
                    self._add_entry(mm_id, at + part * PAGE_SIZE, (entry & ~HUGE) + part * PAGE_SIZE)
            elif entry & PRESENT:
                pfn = (entry & FRAME) // PAGE_SIZE
                self.objects["pgtable"][mm_id, at, level - 1] = (pfn,)
                if self._pages[pfn].ptl:
                    self.locks.ptl.add(pfn)
                self._walk_table(mm_id, entry & FRAME, level - 1, at)

    def _add_entry(self, mm_id: int, va: int, entry: int) -> None:
        if not entry & PRESENT and entry & SWAPPED and not entry & PROTNONE:
            slot = (entry ^ FRAME) & FRAME
            self.objects["pte"][mm_id, va] = (KIND_SWAP, None, slot // PAGE_SIZE, 0)
            return
        flags = (bool(entry & WRITE) | (not entry & NX) << 1 | bool(entry & ACCESSED) << 2
                 | bool(entry & DIRTY) << 3)
        frame = entry & FRAME
        if not entry & PRESENT:
            frame = (entry ^ FRAME) & FRAME
            flags |= 1 << 4
        pfn = frame // PAGE_SIZE
        if not 0 < pfn < len(self._pages):
            raise DumpError(f"mm {mm_id}: the entry of 0x{va:x} is 0x{entry:x}: no frame {pfn}")
        if pfn == self.zero_pfn:
            self.objects["pte"][mm_id, va] = (KIND_ZERO, pfn, None, flags)
            return
        page = self._pages[pfn]
        if page.kind == PAGE_SPECIAL:
            self.objects["pte"][mm_id, va] = (KIND_SPECIAL, pfn, None, flags)
            return
        self.objects["pte"][mm_id, va] = (KIND_PAGE, pfn, None, flags)
        if page.order == ORDER_TAIL:
            page = self._pages[pfn & ~511]
        self.objects["rmap"][pfn, mm_id, va] = (
            self._anon_id(page.owner) if page.kind == PAGE_ANON else
            self._mapping_id(page.owner) if page.kind in FILE_KINDS else 0,)

    # ---- lists of pages ----

    def _page_list(self, head: int) -> list[int]:
        """Frames on a list, from head to tail."""
        found = []
        node = self._kernel.number(self._kernel.physical(head))
        while node != head:
            pfn = self._pfn_of(node)
            found.append(pfn)
            if len(found) > len(self._pages):
                raise DumpError(f"the list of pages at 0x{head:x} does not end")
            node = self._pages[pfn].next
        return found

    def _note_spinlock(self, variable: str, name: str, path: str = "lock.locked") -> None:
        kernel = self._kernel
        struct = kernel.layout.variable(variable).struct
        if kernel.field(kernel.variable(variable), struct, path):
            self.locks.spin.append(name)

    def _walk_lru(self) -> None:
        kernel, lru = self._kernel, self._kernel.layout.variable("lru")
        lists = lru.struct.member("lists")
        head_size = self._struct("list_head").size
        for number in range(lists.size // head_size):
            head = kernel.variable("lru") + lists.offset + number * head_size
            for place, pfn in enumerate(self._page_list(head)):
                page = self._pages[pfn]
                if page.list != number or not page.flags & (PG_LRU | PG_ISOLATED):
                    number = page.list if page.list != number else -1  # it does not know of it
                self.objects["lru"][pfn,] = (number, page.lru_pos, place)
        self._note_spinlock("lru", "LRU")

    def _walk_swap(self) -> None:
        kernel, swap = self._kernel, self._kernel.layout.variable("swap").struct
        address = kernel.variable("swap")
        count = kernel.field(address, swap, "last_slot") + 1
        if kernel.field(address, swap, "disk"):
            refs = self._array(kernel.field(address, swap, "refs"), count, "H")
            cached = self._array(kernel.field(address, swap, "cached"), count, "I")
            for slot, number in enumerate(refs):
                if number:
                    self.objects["slot"][slot,] = (number,)
            for slot, pfn in enumerate(cached):
                if pfn:
                    self.objects["swap_cache"][slot,] = (pfn,)
        self._note_spinlock("swap", "SWAP")

    def _array(self, pointer: int, count: int, code: str) -> list[int]:
        size = count * (2 if code == "H" else 4)
        return self._kernel.memory.read(self._kernel.physical(pointer), size).cast(code).tolist()

    def _walk_free(self) -> None:
        kernel = self._kernel
        blocks = kernel.layout.variable("buddy").struct.offset("blocks")
        head_size = self._struct("list_head").size
        for order in range(MAX_ORDER + 1):
            for pfn in self._page_list(kernel.variable("buddy") + blocks + order * head_size):
                self.objects["free"][pfn,] = (order,)
        pcps = kernel.layout.variable("pcps")
        for cpu in range(pcps.size // pcps.element.size):
            head = kernel.variable("pcps") + cpu * pcps.element.size + pcps.element.offset("frames")
            for pfn in self._page_list(head):
                self.objects["pcp"][pfn,] = (cpu,)
        pool = kernel.layout.variable("pool").struct
        for pfn in self._page_list(kernel.variable("pool") + pool.offset("frames")):
            self.objects["pcp"][pfn,] = (None,)
        for variable, name in (("buddy", "BUDDY"), ("pool", "ZERO_POOL")):
            self._note_spinlock(variable, name)
        for variable, name in (("tasks_lock", "TASKS"), ("mm_list_lock", "MM_LIST"),
                               ("all_lock", "ANON_LIST"), ("mappings_lock", "MAPPING_LIST"), ("huge_lock", "HUGE")):
            self._note_spinlock(variable, name, "locked")


def walk(layout: Layout, dump: Path) -> Walk:
    """Walk a dump of a guest that ran the kernel of this layout (SOURCES)."""
    with Memory(dump) as memory:
        found = Walk(Kernel(layout, memory))
        found.run()
    return found
