/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fetching a file over the network, by libcurl: goes on where it was cut off. */
#include "config.h"

#include <curl/curl.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "craft/craft.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/fs.h"
#include "util/i18n.h"
#include "util/log.h"

#define TRIES 3
#define CONNECT_SECONDS 30L
/* Slower than this for so long is a server that is gone. */
#define LEAST_BYTES 200L
#define LEAST_SECONDS 60L
#define TELL_MS 100

struct download {
	const struct craft_env *env;
	int fd;
	int error; /* of the disk */
	curl_off_t had;
	int64_t told;
};

static size_t take(char *data, size_t size, size_t n, void *d)
{
	struct download *w = d;

	w->error = fs_write_all(w->fd, data, size * n);
	return w->error < 0 ? 0 : size * n;
}

static int tell(void *d, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up)
{
	struct download *w = d;
	int64_t ms = clock_mono_ms();

	if (total > 0 && ms - w->told >= TELL_MS) {
		craft_progress(w->env, NC_("step", "fetch"), NULL,
			       (int)((w->had + now) * 1000 / (w->had + total)), NULL);
		w->told = ms;
	}
	return craft_cancelled(w->env);
}

static CURLcode set_up(CURL *c, struct download *w, const char *url, char *why)
{
	const struct {
		CURLoption option;
		long value;
	} numbers[] = {
		{ CURLOPT_FOLLOWLOCATION, 1 },
		{ CURLOPT_MAXREDIRS, 10 },
		{ CURLOPT_FAILONERROR, 1 },
		{ CURLOPT_NOPROGRESS, 0 },
		{ CURLOPT_NOSIGNAL, 1 },
		{ CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS },
		{ CURLOPT_LOW_SPEED_LIMIT, LEAST_BYTES },
		{ CURLOPT_LOW_SPEED_TIME, LEAST_SECONDS },
	};
	CURLcode e = curl_easy_setopt(c, CURLOPT_URL, url);

	for (size_t i = 0; e == CURLE_OK && i < ARRAY_SIZE(numbers); i++)
		e = curl_easy_setopt(c, numbers[i].option, numbers[i].value);
	if (e == CURLE_OK)
		e = curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https,ftp");
	if (e == CURLE_OK)
		e = curl_easy_setopt(c, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
	if (e == CURLE_OK)
		e = curl_easy_setopt(c, CURLOPT_ERRORBUFFER, why);
	if (e == CURLE_OK)
		e = curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take);
	if (e == CURLE_OK)
		e = curl_easy_setopt(c, CURLOPT_WRITEDATA, w);
	if (e == CURLE_OK)
		e = curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, tell);
	if (e == CURLE_OK)
		e = curl_easy_setopt(c, CURLOPT_XFERINFODATA, w);
	return e;
}

/* Begins behind what the file holds already. */
static CURLcode attempt(CURL *c, struct download *w)
{
	CURLcode e;

	w->had = lseek(w->fd, 0, SEEK_END);
	if (w->had < 0)
		return CURLE_WRITE_ERROR;
	e = curl_easy_setopt(c, CURLOPT_RESUME_FROM_LARGE, w->had);
	return e == CURLE_OK ? curl_easy_perform(c) : e;
}

/* The server cannot go on there, or what is here is more than it has. */
static bool must_restart(CURL *c, CURLcode e)
{
	long status = 0;

	curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
	return e == CURLE_RANGE_ERROR || e == CURLE_BAD_DOWNLOAD_RESUME || e == CURLE_FTP_COULDNT_USE_REST ||
	       (e == CURLE_HTTP_RETURNED_ERROR && status == 416);
}

static bool may_heal(CURLcode e)
{
	return e == CURLE_PARTIAL_FILE || e == CURLE_RECV_ERROR || e == CURLE_GOT_NOTHING ||
	       e == CURLE_OPERATION_TIMEDOUT || e == CURLE_SEND_ERROR;
}

static int run(CURL *c, struct download *w, const char *url)
{
	char why[CURL_ERROR_SIZE] = "";
	_cleanup_free_ char *shown = NULL;
	CURLcode e = set_up(c, w, url, why);

	for (int i = 0; e == CURLE_OK && i < TRIES; i++) {
		e = attempt(c, w);
		if (w->error < 0)
			return w->error;
		if (e == CURLE_OK)
			return 0;
		if (e == CURLE_ABORTED_BY_CALLBACK)
			return -MUSTER_E_CANCELLED;
		if (w->had > 0 && must_restart(c, e)) {
			if (ftruncate(w->fd, 0) < 0)
				return -errno;
			e = CURLE_OK;
		} else if (may_heal(e) && i + 1 < TRIES) {
			e = CURLE_OK;
		}
	}
	shown = craft_public_place(url);
	log_error(_("%s cannot be fetched: %s"), shown ? shown : "", *why ? why : curl_easy_strerror(e));
	return -EIO;
}

int craft_download(const struct craft_env *env, const char *url, int fd)
{
	struct download w = { .env = env, .fd = fd };
	CURL *c = curl_easy_init();
	int r;

	if (!c)
		return -ENOMEM;
	r = run(c, &w, url);
	curl_easy_cleanup(c);
	return r;
}
