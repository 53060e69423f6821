/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "backend/render/fileset.h"

#include <errno.h>
#include <string.h>

static void entry_free(struct fileset_entry *e)
{
	free(e->path);
	free(e->data);
	free(e->source);
	free(e->owner);
	free(e->service);
}

void fileset_free(struct fileset *f)
{
	for (size_t i = 0; i < f->n; i++)
		entry_free(&f->v[i]);
	free(f->v);
	*f = (struct fileset)FILESET_INIT;
}

/* Copies a string that may be NULL. */
static int copy(char **ret, const char *s)
{
	*ret = s ? strdup(s) : NULL;
	return s && !*ret ? -ENOMEM : 0;
}

/* Copies the entry's strings; takes its data over, also when it fails. */
static int add(struct fileset *f, const struct fileset_entry *from)
{
	struct fileset_entry e = *from, *v;

	e.path = e.source = e.owner = e.service = NULL;
	if (fileset_find(f, from->path)) {
		entry_free(&e);
		return -EEXIST;
	}
	if (copy(&e.path, from->path) < 0 || copy(&e.source, from->source) < 0 ||
	    copy(&e.owner, from->owner) < 0 || copy(&e.service, from->service) < 0)
		goto no_memory;
	v = reallocarray(f->v, f->n + 1, sizeof(*v));
	if (!v)
		goto no_memory;
	f->v = v;
	f->v[f->n++] = e;
	return 0;
no_memory:
	entry_free(&e);
	return -ENOMEM;
}

static bool same_owner(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

int fileset_add_directory(struct fileset *f, const char *path, mode_t mode, const char *owner)
{
	const struct fileset_entry *e = fileset_find(f, path);

	if (e)
		return e->kind == FILESET_DIRECTORY && e->mode == mode && same_owner(e->owner, owner)
			       ? 0
			       : -EEXIST;
	return add(f, &(struct fileset_entry){
			      .kind = FILESET_DIRECTORY,
			      .path = (char *)path,
			      .mode = mode,
			      .owner = (char *)owner,
		      });
}

int fileset_add_file(struct fileset *f, enum fileset_kind kind, const char *path, char *data, size_t len,
		     mode_t mode, const char *owner, const char *service)
{
	return add(f, &(struct fileset_entry){
			      .kind = kind,
			      .path = (char *)path,
			      .data = data,
			      .len = len,
			      .mode = mode,
			      .owner = (char *)owner,
			      .service = (char *)service,
		      });
}

int fileset_add_copy(struct fileset *f, const char *path, const char *source, mode_t mode,
		     const char *service)
{
	return add(f, &(struct fileset_entry){
			      .kind = FILESET_COPY,
			      .path = (char *)path,
			      .source = (char *)source,
			      .mode = mode,
			      .service = (char *)service,
		      });
}

const struct fileset_entry *fileset_find(const struct fileset *f, const char *path)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->v[i].path, path) == 0)
			return &f->v[i];
	return NULL;
}
