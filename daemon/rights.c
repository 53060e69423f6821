/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "daemon/rights.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "util/log.h"

void rights_find(const char *user, struct rights *ret)
{
	const struct passwd *pw = getpwnam(user);

	*ret = (struct rights){
		.is_root = geteuid() == 0,
		.has_user = pw && pw->pw_uid != 0,
		.uid = pw && pw->pw_uid != 0 ? pw->pw_uid : (uid_t)-1,
		.gid = pw && pw->pw_uid != 0 ? pw->pw_gid : (gid_t)-1,
		.user = user,
	};
}

static int set_capabilities(const struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3])
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };

	return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

static bool has_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (syscall(SYS_capget, &header, data) < 0)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(data); i++)
		if (data[i].effective || data[i].permitted)
			return true;
	return false;
}

/* The bounding set holds what an execve(2) could give back. */
static int empty_bounding_set(void)
{
	for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0 && errno != EPERM)
			return -errno;
	return 0;
}

static int become(const struct rights *r)
{
	if (initgroups(r->user, r->gid) < 0 || setresgid(r->gid, r->gid, r->gid) < 0 ||
	    setresuid(r->uid, r->uid, r->uid) < 0)
		return -errno;
	return setuid(0) == 0 ? -EPERM : 0;
}

int rights_drop(const struct rights *r)
{
	static const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3];
	int err;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	if (!r->is_root) {
		/* A unit may have lent the right to a low port, which is open by now. */
		if (has_capabilities() && set_capabilities(none) < 0)
			log_warning("the capabilities that this process was given stay with it");
		return 0;
	}
	err = empty_bounding_set();
	if (err == 0 && r->has_user)
		err = become(r);
	if (err == 0)
		err = set_capabilities(none);
	if (err == 0 && has_capabilities())
		err = -EPERM;
	if (err < 0)
		log_error("root's rights cannot be given away: %s", strerror(-err));
	else if (r->has_user)
		log_info("runs as user %s", r->user);
	else
		log_warning("there is no user %s: runs as root without any capability", r->user);
	return err;
}
