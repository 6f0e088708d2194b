"""Settings of the web server: `gunicorn --config loyalty_site/gunicorn.py loyalty_site.wsgi`."""

import gc
import os

from loyalty_site.environment import read
from loyalty_site.web_worker import forget

bind = f"{read('HOST', '127.0.0.1')}:{read('PORT', '8000')}"
workers = int(read("WEB_CONCURRENCY") or max(2, len(os.sched_getaffinity(0))))
worker_class = "loyalty_site.web_worker.EvenThreadWorker"
threads = 4
timeout = 120
graceful_timeout = 10
keepalive = 5
# Loaded once before the fork: the workers start at once and share the memory of the code.
preload_app = True
# The control socket would lie in the user's home folder, one for all instances.
control_socket_disable = True
# A worker's heartbeat is a file; on a disk it could block the worker.
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None


def when_ready(server):
    """Leave what was loaded out of every later search for garbage.

    A full search walks all objects that live, some 200 ms of a request's time; the loaded code stays for ever
    and stays shared between the workers. Fewer searches among the young, for a request makes thousands.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def post_fork(server, worker):
    """What the master opened while loading must not be shared between the workers."""
    from django.db import connections

    connections.close_all()


def child_exit(server, worker):
    """Let the others know of a worker that could not say itself that it ends."""
    forget(worker)
