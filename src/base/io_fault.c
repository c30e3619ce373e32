/* io_fault.c - a file layer that fails on demand and models crashes.
 *
 * Layer: base; tests only. Knows nothing of what the files hold.
 *
 * METHOD (Pillai et al., "All File Systems Are Not Created Equal", OSDI 2014;
 * the crash file layer of SQLite's tests works alike). The running program
 * sees an ordinary file system. Beside it stands what a disk is obliged to
 * hold, and everything between the two is a list of things that may or may not have
 * happened:
 *
 *   contents  A file only grows, so its durable part is not a copy: the file
 *             is a row of extents, one per append, each durable, pending
 *             (appended since the last sync) or lost (see below).
 *   names     A name has a visible file and a durable one. The difference is
 *             the journal: creations, mkdirs and removals in order, each
 *             pending or lost, until a sync_dir of the parent applies them.
 *
 * A sync makes pending things durable. A failed sync (VS_FAULT_SYNC, VS_FAULT_FULL) makes
 * them lost: the running program still sees them, no later sync saves them,
 * and no crash leaves them - what Linux does after a failed fsync.
 *
 * REBOOT decides every pending thing by the seed. So that the extremes are
 * reached as well as mixtures, each reboot first draws two moods, one for
 * contents and one for names: nothing survives, everything does, or each
 * thing by its own coin. A pending extent is cut into pieces (once at a random
 * byte, or at 512-byte or 4-KiB borders, drawn per file); a piece is kept,
 * dropped or torn. Dropped and lost pieces read as zeros when something
 * behind them was kept, and shorten the file otherwise. A torn piece is
 * garbage, zeros, its own beginning followed by garbage, or has one byte
 * wrong. A name whose directory did not survive is gone with all below it.
 * Then what is there is durable, and a new run (or a nested crash) may begin.
 *
 * Complexity: names are found by walking a list; a reboot is O(names +
 * journal + pending bytes), a clone O(all bytes).
 *
 * Invariants
 *   X1  extents of a file are in order, not empty, and end at its size.
 *   X2  name.visible = name.durable with the journal's entries for that name
 *       applied in order; without entries the two are equal.
 *   X3  the names list has parents before children.
 *   X4  reboot allocates nothing and so cannot fail half-way.
 */
#include "io_fault.h"
#include "rng.h"

#include <string.h>

#define NEVER UINT64_MAX

typedef enum { DURABLE, PENDING, LOST } fate;

typedef struct {
  uint64_t end; /* the extent begins where the one before ends */
  fate fate;
} extent;

/* A file or directory apart from its names. */
typedef struct inode {
  struct inode *next;
  struct inode *twin;  /* scratch of clone: the copy */
  bool is_dir, in_use; /* in_use: scratch of collect */
  uint8_t *data;
  uint64_t size, cap;
  extent *extent;
  size_t n_extents, cap_extents;
} inode;

typedef struct name_entry {
  struct name_entry *next;
  struct name_entry *twin; /* scratch of clone: the copy */
  inode *visible;          /* NULL: not there */
  inode *durable;          /* NULL: not there */
  bool in_use;             /* scratch of collect */
  size_t parent_bytes;     /* length of the parent's name; 0 = root */
  char name[];
} name_entry;

/* One creation, mkdir or removal that no sync_dir has made durable. */
typedef struct change {
  struct change *next;
  name_entry *name;
  inode *after; /* what the name means after it; NULL: removed */
  bool lost;
} change;

struct vs_file {
  struct vs_file *next;
  inode *inode;
  bool writable;
};

typedef struct {
  vs_io io;
  vs_alloc *a;
  inode *inodes; /* all objects in creation order, owned */
  name_entry *names;
  change *journal;
  vs_file *handles;
  uint64_t calls, fault_at, crash_at;
  vs_fault_kind fault;
  bool fault_forever, crashed;
} fault_io;

static const vs_io_ops fault_ops;

static fault_io *self(vs_io *io) {
  assert(io->ops == &fault_ops);
  return (fault_io *)io;
}

/* ---- Planned faults ---------------------------------------------------- */

typedef enum { OP_OPEN, OP_CREATE, OP_READ, OP_APPEND, OP_SIZE, OP_REMOVE, OP_MKDIR, OP_LIST, OP_SYNC } op_kind;

/* Counts a call. True if fault `kind` strikes it. A crash strikes as EIO. */
static bool strikes(fault_io *f, vs_fault_kind *kind) {
  uint64_t call = ++f->calls;
  if (call >= f->crash_at) {
    f->crashed = true;
    *kind = VS_FAULT_EIO;
    return true;
  }
  *kind = f->fault;
  return call == f->fault_at || (f->fault_forever && call > f->fault_at);
}

/* Counts a call that a fault either strikes whole or leaves alone; SHORT of
 * read and append and SYNC and FULL of sync and sync_dir are left to the caller. */
static vs_status begin(fault_io *f, op_kind op, vs_fault_kind *half) {
  vs_fault_kind kind;
  *half = VS_FAULT_EIO;
  if (!strikes(f, &kind)) return VS_OK;
  if (kind == VS_FAULT_ENOSPC && (op == OP_APPEND || op == OP_CREATE || op == OP_MKDIR)) return VS_NO_SPACE;
  if (kind == VS_FAULT_EIO || kind == VS_FAULT_ENOSPC) return VS_IO;
  *half = kind;
  return VS_OK;
}

/* ---- Names and objects ------------------------------------------------- */

static name_entry *find_entry(const fault_io *f, const char *name) {
  name_entry *n = f->names;
  while (n != NULL && strcmp(n->name, name) != 0) n = n->next;
  return n;
}

static inode *find_visible(const fault_io *f, const char *name) {
  const name_entry *n = find_entry(f, name);
  return n != NULL ? n->visible : NULL;
}

/* The entry of a name, made when it is not there yet. */
static name_entry *make_entry(fault_io *f, const char *name) {
  name_entry *entry = find_entry(f, name);
  if (entry != NULL) return entry;
  size_t n = strlen(name) + 1;
  entry = vs_calloc(f->a, 1, sizeof *entry + n);
  if (entry == NULL) return NULL;
  const char *slash = strrchr(name, '/');
  entry->parent_bytes = slash != NULL ? (size_t)(slash - name) : 0;
  memcpy(entry->name, name, n);
  name_entry **link = &f->names;
  while (*link != NULL) link = &(*link)->next;
  *link = entry;
  return entry;
}

static inode *make_inode(fault_io *f, bool is_dir) {
  inode *made = vs_calloc(f->a, 1, sizeof *made);
  if (made == NULL) return NULL;
  made->is_dir = is_dir;
  inode **link = &f->inodes;
  while (*link != NULL) link = &(*link)->next;
  *link = made;
  return made;
}

static void free_inode(fault_io *f, inode *n) {
  vs_free(f->a, n->data);
  vs_free(f->a, n->extent);
  vs_free(f->a, n);
}

static bool below(const name_entry *n, const char *dir, size_t dir_bytes) {
  return n->parent_bytes == dir_bytes && memcmp(n->name, dir, dir_bytes) == 0;
}

/* The entry of a name's directory; NULL for the root. */
static const name_entry *parent_of(const fault_io *f, const name_entry *child) {
  const name_entry *n = f->names;
  if (child->parent_bytes == 0) return NULL;
  while (strlen(n->name) != child->parent_bytes || memcmp(n->name, child->name, child->parent_bytes) != 0) n = n->next;
  return n;
}

/* VS_OK if `name` can be created: its parent is a visible directory. */
static vs_status check_parent(const fault_io *f, const char *name) {
  char parent[VS_IO_NAME_BYTES];
  const char *slash = strrchr(name, '/');
  if (slash == NULL) return VS_OK;
  memcpy(parent, name, (size_t)(slash - name));
  parent[slash - name] = '\0';
  const inode *dir = find_visible(f, parent);
  if (dir == NULL) return VS_NOT_FOUND;
  return dir->is_dir ? VS_OK : VS_IO;
}

static vs_status check_dir(const fault_io *f, const char *dir) {
  if (dir[0] == '\0') return VS_OK;
  if (!vs_io_name_ok(dir)) return VS_INVALID_ARGUMENT;
  const inode *n = find_visible(f, dir);
  if (n == NULL) return VS_NOT_FOUND;
  return n->is_dir ? VS_OK : VS_IO;
}

/* Makes a name mean `after` and journals it. Nothing changes on failure. */
static vs_status change_name(fault_io *f, name_entry *name, inode *after) {
  change *c = vs_calloc(f->a, 1, sizeof *c);
  if (c == NULL) return VS_OUT_OF_MEMORY;
  c->name = name;
  c->after = after;
  change **link = &f->journal;
  while (*link != NULL) link = &(*link)->next;
  *link = c;
  name->visible = after;
  return VS_OK;
}

/* Frees objects and names that nothing refers to any more. */
static void collect(fault_io *f) {
  for (inode *n = f->inodes; n != NULL; n = n->next) n->in_use = false;
  for (name_entry *n = f->names; n != NULL; n = n->next) {
    n->in_use = n->visible != NULL || n->durable != NULL;
    if (n->visible != NULL) n->visible->in_use = true;
    if (n->durable != NULL) n->durable->in_use = true;
  }
  for (change *c = f->journal; c != NULL; c = c->next) {
    c->name->in_use = true;
    if (c->after != NULL) c->after->in_use = true;
  }
  for (vs_file *h = f->handles; h != NULL; h = h->next) h->inode->in_use = true;
  for (inode **link = &f->inodes; *link != NULL;) {
    inode *n = *link;
    if (n->in_use) {
      link = &n->next;
      continue;
    }
    *link = n->next;
    free_inode(f, n);
  }
  for (name_entry **link = &f->names; *link != NULL;) {
    name_entry *n = *link;
    if (n->in_use) {
      link = &n->next;
      continue;
    }
    *link = n->next;
    vs_free(f->a, n);
  }
}

static vs_status create_object(fault_io *f, const char *name, bool is_dir, inode **out) {
  VS_TRY(check_parent(f, name));
  name_entry *entry = make_entry(f, name);
  inode *made = entry != NULL ? make_inode(f, is_dir) : NULL;
  vs_status status = made != NULL ? change_name(f, entry, made) : VS_OUT_OF_MEMORY;
  if (status != VS_OK) {
    collect(f);
    return status;
  }
  *out = made;
  return VS_OK;
}

/* ---- The file operations ----------------------------------------------- */

static vs_status fault_open(vs_io *io, const char *name, vs_io_mode mode, vs_file **out) {
  fault_io *f = self(io);
  vs_fault_kind half;
  VS_TRY(begin(f, mode == VS_IO_CREATE ? OP_CREATE : OP_OPEN, &half));
  if (!vs_io_name_ok(name)) return VS_INVALID_ARGUMENT;
  inode *n = find_visible(f, name);
  if (mode == VS_IO_READ && n == NULL) return VS_NOT_FOUND;
  if (mode == VS_IO_CREATE && n != NULL) return VS_ALREADY_EXISTS;
  if (n != NULL && n->is_dir) return VS_IO;
  vs_file *h = vs_malloc(f->a, sizeof *h);
  if (h == NULL) return VS_OUT_OF_MEMORY;
  if (n == NULL) {
    vs_status status = create_object(f, name, false, &n);
    if (status != VS_OK) {
      vs_free(f->a, h);
      return status;
    }
  }
  *h = (vs_file){f->handles, n, mode == VS_IO_CREATE};
  f->handles = h;
  *out = h;
  return VS_OK;
}

static vs_status fault_read(vs_io *io, vs_file *h, uint64_t off, void *buf, size_t n, size_t *got) {
  vs_fault_kind half;
  *got = 0;
  VS_TRY(begin(self(io), OP_READ, &half));
  uint64_t left = off < h->inode->size ? h->inode->size - off : 0;
  if (n > left) n = (size_t)left;
  /* Rounded up: no bytes at all would say that the file ends here. */
  if (half == VS_FAULT_SHORT) n -= n / 2;
  if (n > 0) memcpy(buf, h->inode->data + off, n);
  *got = n;
  return VS_OK;
}

/* Room for n more bytes and one more extent. */
static vs_status reserve_append(fault_io *f, inode *n, size_t more) {
  uint64_t need = n->size + more;
  if (need > SIZE_MAX / 2) return VS_NO_SPACE;
  if (need > n->cap) {
    uint64_t cap = n->cap * 2 > need ? n->cap * 2 : need;
    uint8_t *data = vs_realloc(f->a, n->data, (size_t)cap);
    if (data == NULL) return VS_OUT_OF_MEMORY;
    n->data = data;
    n->cap = cap;
  }
  if (n->n_extents == n->cap_extents) {
    size_t cap = n->cap_extents * 2 + 4;
    extent *extents = vs_realloc(f->a, n->extent, cap * sizeof *extents);
    if (extents == NULL) return VS_OUT_OF_MEMORY;
    n->extent = extents;
    n->cap_extents = cap;
  }
  return VS_OK;
}

static vs_status fault_append(vs_io *io, vs_file *h, const void *buf, size_t n) {
  fault_io *f = self(io);
  vs_fault_kind half;
  VS_TRY(begin(f, OP_APPEND, &half));
  if (!h->writable) return VS_IO;
  if (half == VS_FAULT_SHORT) n /= 2;
  if (n > 0) {
    VS_TRY(reserve_append(f, h->inode, n));
    memcpy(h->inode->data + h->inode->size, buf, n);
    h->inode->size += n;
    h->inode->extent[h->inode->n_extents++] = (extent){h->inode->size, PENDING};
  }
  return half == VS_FAULT_SHORT ? VS_NO_SPACE : VS_OK;
}

static vs_status fault_size(vs_io *io, vs_file *h, uint64_t *out) {
  vs_fault_kind half;
  VS_TRY(begin(self(io), OP_SIZE, &half));
  *out = h->inode->size;
  return VS_OK;
}

static void fault_close(vs_io *io, vs_file *h) {
  fault_io *f = self(io);
  vs_file **link = &f->handles;
  while (*link != h) link = &(*link)->next;
  *link = h->next;
  vs_free(f->a, h);
}

static vs_status fault_remove(vs_io *io, const char *name) {
  fault_io *f = self(io);
  vs_fault_kind half;
  VS_TRY(begin(f, OP_REMOVE, &half));
  if (!vs_io_name_ok(name)) return VS_INVALID_ARGUMENT;
  name_entry *entry = find_entry(f, name);
  if (entry == NULL || entry->visible == NULL) return VS_NOT_FOUND;
  if (entry->visible->is_dir) return VS_IO;
  return change_name(f, entry, NULL);
}

static vs_status fault_mkdir(vs_io *io, const char *name) {
  fault_io *f = self(io);
  vs_fault_kind half;
  VS_TRY(begin(f, OP_MKDIR, &half));
  if (name[0] == '\0') return VS_OK;
  if (!vs_io_name_ok(name)) return VS_INVALID_ARGUMENT;
  inode *n = find_visible(f, name);
  if (n != NULL) return n->is_dir ? VS_OK : VS_ALREADY_EXISTS;
  return create_object(f, name, true, &n);
}

static vs_status fault_list(vs_io *io, const char *dir, vs_io_list_fn fn, void *ctx) {
  fault_io *f = self(io);
  vs_fault_kind half;
  VS_TRY(begin(f, OP_LIST, &half));
  VS_TRY(check_dir(f, dir));
  size_t dir_bytes = strlen(dir);
  for (const name_entry *n = f->names; n != NULL; n = n->next) {
    if (n->visible == NULL || !below(n, dir, dir_bytes)) continue;
    VS_TRY(fn(ctx, n->name + (dir_bytes > 0 ? dir_bytes + 1 : 0), n->visible->is_dir));
  }
  return VS_OK;
}

/* Gives every pending extent a fate and joins neighbours of one fate. */
static void settle_extents(inode *n, fate fate_of_pending) {
  size_t kept = 0;
  for (size_t i = 0; i < n->n_extents; i++) {
    extent e = n->extent[i];
    if (e.fate == PENDING) e.fate = fate_of_pending;
    if (kept > 0 && n->extent[kept - 1].fate == e.fate)
      n->extent[kept - 1].end = e.end;
    else
      n->extent[kept++] = e;
  }
  n->n_extents = kept;
}

static vs_status sync_status(vs_fault_kind half) {
  return half == VS_FAULT_SYNC ? VS_IO : half == VS_FAULT_FULL ? VS_NO_SPACE : VS_OK;
}

static vs_status fault_sync(vs_io *io, const char *name) {
  fault_io *f = self(io);
  vs_fault_kind half;
  VS_TRY(begin(f, OP_SYNC, &half));
  if (!vs_io_name_ok(name)) return VS_INVALID_ARGUMENT;
  inode *n = find_visible(f, name);
  if (n == NULL) return VS_NOT_FOUND;
  if (n->is_dir) return VS_IO;
  vs_status status = sync_status(half);
  settle_extents(n, status == VS_OK ? DURABLE : LOST);
  return status;
}

static vs_status fault_sync_dir(vs_io *io, const char *dir) {
  fault_io *f = self(io);
  vs_fault_kind half;
  VS_TRY(begin(f, OP_SYNC, &half));
  VS_TRY(check_dir(f, dir));
  vs_status status = sync_status(half);
  size_t dir_bytes = strlen(dir);
  for (change **link = &f->journal; *link != NULL;) {
    change *c = *link;
    if (c->lost || !below(c->name, dir, dir_bytes)) {
      link = &c->next;
    } else if (status != VS_OK) {
      c->lost = true;
      link = &c->next;
    } else {
      c->name->durable = c->after;
      *link = c->next;
      vs_free(f->a, c);
    }
  }
  if (status != VS_OK) return status;
  collect(f);
  return VS_OK;
}

static void free_journal(fault_io *f) {
  while (f->journal != NULL) {
    change *next = f->journal->next;
    vs_free(f->a, f->journal);
    f->journal = next;
  }
}

static void free_handles(fault_io *f) {
  while (f->handles != NULL) {
    vs_file *next = f->handles->next;
    vs_free(f->a, f->handles);
    f->handles = next;
  }
}

static void fault_destroy(vs_io *io) {
  fault_io *f = self(io);
  free_handles(f);
  free_journal(f);
  for (name_entry *n = f->names; n != NULL; n = n->next) n->visible = n->durable = NULL;
  collect(f);
  vs_free(f->a, f);
}

static const vs_io_ops fault_ops = {fault_open,  fault_read, fault_append, fault_size,     fault_close,  fault_remove,
                                    fault_mkdir, fault_list, fault_sync,   fault_sync_dir, fault_destroy};

/* ---- The crash model --------------------------------------------------- */

/* How much survives a reboot: the share of kept things in 1/256, 0 = nothing,
 * 256 = everything. */
static uint32_t draw_mood(vs_rng *rng) {
  static const uint16_t moods[] = {0, 256, 32, 128, 128, 224};
  return moods[vs_rng_below(rng, sizeof moods / sizeof *moods)];
}

static void fill_garbage(vs_rng *rng, uint8_t *p, uint64_t n) {
  for (uint64_t i = 0; i < n; i++) p[i] = (uint8_t)vs_rng_u64(rng);
}

static void tear(vs_rng *rng, uint8_t *p, uint64_t n) {
  switch (vs_rng_below(rng, 4)) {
  case 0: fill_garbage(rng, p, n); break;
  case 1: memset(p, 0, (size_t)n); break;
  case 2: {
    uint64_t good = vs_rng_u64(rng) % n;
    fill_garbage(rng, p + good, n - good);
    break;
  }
  default: p[vs_rng_u64(rng) % n] ^= (uint8_t)(1 + vs_rng_below(rng, 255));
  }
}

/* Decides one piece in place. True if the disk holds something there. */
static bool settle_piece(vs_rng *rng, uint32_t mood, uint8_t *p, uint64_t n) {
  if (vs_rng_below(rng, 256) < mood) return true;
  if (mood > 0 && vs_rng_below(rng, 2) == 0) {
    tear(rng, p, n);
    return true;
  }
  memset(p, 0, (size_t)n);
  return false;
}

/* The end of the piece that begins at `at` in a pending extent up to `end`:
 * the next multiple of `grain`, or for grain 1 a random byte, once. */
static uint64_t piece_end(vs_rng *rng, uint32_t grain, uint64_t begin, uint64_t at, uint64_t end) {
  if (grain == 1) return at == begin && end - begin > 1 ? begin + 1 + vs_rng_u64(rng) % (end - begin - 1) : end;
  uint64_t border = (at / grain + 1) * grain;
  return border < end ? border : end;
}

/* Replaces a file's contents by what the disk has after the crash. */
static void settle_file(vs_rng *rng, uint32_t mood, inode *n) {
  static const uint32_t grains[] = {1, 512, 4096};
  uint32_t grain = grains[vs_rng_below(rng, 3)];
  uint64_t at = 0, size = 0;
  for (size_t i = 0; i < n->n_extents; i++) {
    extent e = n->extent[i];
    uint64_t begin = at;
    while (at < e.end) {
      uint64_t to = e.fate == PENDING ? piece_end(rng, grain, begin, at, e.end) : e.end;
      bool there = e.fate == DURABLE;
      if (e.fate == PENDING) there = settle_piece(rng, mood, n->data + at, to - at);
      if (e.fate == LOST) memset(n->data + at, 0, (size_t)(to - at));
      if (there) size = to;
      at = to;
    }
  }
  n->size = size;
  n->n_extents = 0;
  /* The array exists: a size above 0 means there were extents. */
  if (size > 0) n->extent[n->n_extents++] = (extent){size, DURABLE};
}

static void settle_names(fault_io *f, vs_rng *rng, uint32_t mood) {
  for (change *c = f->journal; c != NULL; c = c->next) {
    bool kept = vs_rng_below(rng, 256) < mood;
    if (kept && !c->lost) c->name->durable = c->after;
  }
  free_journal(f);
  for (name_entry *n = f->names; n != NULL; n = n->next) {
    /* Parents come first (X3), so one walk takes whole trees away. */
    const name_entry *parent = parent_of(f, n);
    if (parent != NULL && (parent->durable == NULL || !parent->durable->is_dir)) n->durable = NULL;
    n->visible = n->durable;
  }
}

vs_status vs_io_fault_reboot(vs_io *io, uint64_t seed) {
  fault_io *f = self(io);
  vs_rng rng = {seed};
  uint32_t data_mood = draw_mood(&rng), name_mood = draw_mood(&rng);
  free_handles(f);
  settle_names(f, &rng, name_mood);
  collect(f);
  for (inode *n = f->inodes; n != NULL; n = n->next) settle_file(&rng, data_mood, n);
  f->calls = 0;
  f->fault_at = f->crash_at = NEVER;
  f->fault_forever = f->crashed = false;
  return VS_OK;
}

/* ---- Control ----------------------------------------------------------- */

vs_status vs_io_fault_create(vs_alloc *a, vs_io **out) {
  fault_io *f = vs_calloc(a, 1, sizeof *f);
  if (f == NULL) return VS_OUT_OF_MEMORY;
  f->io.ops = &fault_ops;
  f->a = a;
  f->fault_at = f->crash_at = NEVER;
  *out = &f->io;
  return VS_OK;
}

uint64_t vs_io_fault_calls(const vs_io *io) { return ((const fault_io *)io)->calls; }

void vs_io_fault_plan(vs_io *io, uint64_t at_call, vs_fault_kind kind, bool forever) {
  fault_io *f = self(io);
  f->fault_at = at_call;
  f->fault = kind;
  f->fault_forever = forever;
}

void vs_io_fault_crash_at(vs_io *io, uint64_t at_call) { self(io)->crash_at = at_call; }

bool vs_io_fault_crashed(const vs_io *io) { return ((const fault_io *)io)->crashed; }

static vs_status copy_inode(fault_io *to, inode *from) {
  inode *copy = make_inode(to, from->is_dir);
  if (copy == NULL) return VS_OUT_OF_MEMORY;
  from->twin = copy;
  if (from->n_extents == 0) return VS_OK;
  copy->data = vs_malloc(to->a, (size_t)from->size);
  copy->extent = vs_malloc(to->a, from->n_extents * sizeof *copy->extent);
  if (copy->data == NULL || copy->extent == NULL) return VS_OUT_OF_MEMORY;
  memcpy(copy->data, from->data, (size_t)from->size);
  memcpy(copy->extent, from->extent, from->n_extents * sizeof *copy->extent);
  copy->size = copy->cap = from->size;
  copy->n_extents = copy->cap_extents = from->n_extents;
  return VS_OK;
}

static vs_status copy_all(fault_io *to, const fault_io *from) {
  for (inode *n = from->inodes; n != NULL; n = n->next) VS_TRY(copy_inode(to, n));
  for (name_entry *n = from->names; n != NULL; n = n->next) {
    name_entry *copy = n->twin = make_entry(to, n->name);
    if (copy == NULL) return VS_OUT_OF_MEMORY;
    copy->visible = n->visible != NULL ? n->visible->twin : NULL;
    copy->durable = n->durable != NULL ? n->durable->twin : NULL;
  }
  for (const change *c = from->journal; c != NULL; c = c->next) {
    name_entry *name = c->name->twin;
    inode *visible = name->visible;
    vs_status status = change_name(to, name, c->after != NULL ? c->after->twin : NULL);
    name->visible = visible;
    if (status != VS_OK) return status;
    change *last = to->journal;
    while (last->next != NULL) last = last->next;
    last->lost = c->lost;
  }
  return VS_OK;
}

vs_status vs_io_fault_clone(const vs_io *io, vs_io **out) {
  assert(io->ops == &fault_ops);
  const fault_io *from = (const fault_io *)io;
  vs_io *made;
  VS_TRY(vs_io_fault_create(from->a, &made));
  vs_status status = copy_all(self(made), from);
  if (status != VS_OK) {
    fault_destroy(made);
    return status;
  }
  *out = made;
  return VS_OK;
}

vs_status vs_io_fault_flip(vs_io *io, const char *name, uint64_t bit) {
  inode *n = find_visible(self(io), name);
  if (n == NULL) return VS_NOT_FOUND;
  if (bit / 8 >= n->size) return VS_INVALID_ARGUMENT;
  n->data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
  return VS_OK;
}

vs_status vs_io_fault_cut(vs_io *io, const char *name, uint64_t n) {
  inode *file = find_visible(self(io), name);
  if (file == NULL) return VS_NOT_FOUND;
  if (n > file->size) return VS_INVALID_ARGUMENT;
  while (file->n_extents > 0) {
    extent *last = &file->extent[file->n_extents - 1];
    uint64_t begin = file->n_extents > 1 ? last[-1].end : 0;
    if (begin < n) {
      if (last->end > n) last->end = n;
      break;
    }
    file->n_extents--;
  }
  file->size = n;
  return VS_OK;
}
