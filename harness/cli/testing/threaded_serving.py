"""What the servers of threads in this folder share: they say where they listen, and at SIGTERM what they counted."""

import json
import signal
import socketserver
import threading


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 128


def serve(handler, lock, counted):
    """Serves connections on a port of the kernel's choice until SIGTERM, then prints what `counted` gives as JSON."""
    # Blocked before threads start, so that none of them receives the signal.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    with Server(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(f"port {server.server_address[1]}", flush=True)
        signal.sigwait({signal.SIGTERM})
        server.shutdown()
        with lock:
            print(json.dumps(counted()), flush=True)
