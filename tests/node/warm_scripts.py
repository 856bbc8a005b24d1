"""What scripts do that are started warm, and would be seen to differ from a cold start."""

from __future__ import annotations

ENDS = {
    "it returns": "print('done')",
    "it exits with a number": "import sys; sys.exit(7)",
    "with a large number": "import sys; sys.exit(2**70)",
    "with a negative one": "import sys; sys.exit(-1)",
    "with nothing": "import sys; sys.exit(None)",
    "with a text": "import sys; sys.exit('no data: ä')",
    "with True": "import sys; sys.exit(True)",
    "an exception": """
        def f():
            return {}['x']
        try:
            f()
        except KeyError as error:
            raise ValueError("bad") from error
    """,
    "a group of exceptions": "raise ExceptionGroup('several', [ValueError(1), KeyError('x')])",
    "no Python": "x = (\n",
    "another coding": "# coding: latin-1\nprint('x')",
    "an interrupt": "raise KeyboardInterrupt",
    "a signal": "import os; os.kill(os.getpid(), 9)",
    "an abort": "import os; os.abort()",
    "at once": "import atexit, os; atexit.register(print, 'never'); os._exit(5)",
    "exit functions, last one first": """
        import atexit
        for each in (1, 2, 3): atexit.register(print, each)
        print("main")
    """,
    "an exit function fails": "import atexit; atexit.register(lambda: 1 / 0); atexit.register(print, 'the other')",
    "a thread is late": """
        import threading, time
        def work():
            time.sleep(0.2)
            print("late")
        threading.Thread(target=work).start()
        print("main")
    """,
    "a thread fails": "import threading; threading.Thread(target=lambda: 1 / 0, name='mine').start()",
    "a daemon is left": """
        import threading, time
        threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
    """,
    "an executor is left": """
        from concurrent.futures import ThreadPoolExecutor
        pool = ThreadPoolExecutor(1)
        for each in range(3): pool.submit(lambda: print("job"))
    """,
    "its own hook": "import sys; sys.excepthook = lambda *given: print('hook', given[0].__name__); 1 / 0",
    "a hook that fails": "import sys; sys.excepthook = lambda kind, *_: {}['hook']; 1 / 0",
    "a hook that exits": "import sys; sys.excepthook = lambda *_: sys.exit(9); 1 / 0",
    "an object is finalized": """
        class Kept:
            def __del__(self): print("gone")
        kept = Kept()
        ring = [Kept()]
        ring.append(ring)
    """,
    "output is not flushed": "import sys; sys.stdout = open(1, 'w', closefd=False); sys.stdout.write('bytes')",
    "standard output is closed": "import sys; sys.stdout.close()",
    "through descriptors": "import os; os.write(1, b'raw\\n'); print('text')",
    "through C": "import ctypes; ctypes.CDLL(None).puts(b'from C')",
    "the pipe is broken": "import os, signal; r, w = os.pipe(); os.close(r); os.write(w, b'x')",
}
"""Ways for a script to end."""

FILES = """
    import json, logging
    text = open("text", "w"); text.write("text" * 5000)
    plain = open("plain", "wb"); plain.write(b"bytes")
    def inside():
        file = open("closure", "w"); file.write("closure")
        return lambda: file
    keep = inside()
    keep.me = keep
    held = open("held", "w"); held.write("held by a package"); json.my_own_file = held
    ring = {"file": open("ring", "w")}; ring["file"].write("ring"); ring["self"] = ring
    logging.basicConfig(filename="log", level=10); logging.info("logged")
"""

SEES = """
    import sys, os
    found = dict(
        argv=sys.argv, path=sys.path, orig_argv=getattr(sys, "orig_argv", [""])[1:],
        main=sorted(set(vars()) - {"_faena_launcher"}),
        file=__file__, name=__name__, package=__package__, cached=__cached__, loader=type(__loader__).__name__,
        environ=dict(os.environ), order=list(os.environ), cwd=os.getcwd(),
    )
    import ctypes, gc, json, locale, logging, multiprocessing.process, resource, signal, tempfile, threading, warnings
    try:
        import numpy
    except ImportError:  # in the oldest Pythons it is not there
        numpy = None
    def read(name):
        with open("/proc/self/" + name) as file:
            return file.read()
    dies = ctypes.c_int()
    ctypes.CDLL(None).prctl(2, ctypes.byref(dies))
    main = threading.main_thread()
    wanted = "Umask", "Threads", "SigP", "SigB", "SigI", "SigC", "Shd", "Cap", "NoNew", "Seccomp", "Tracer", "Name"
    found.update(
        blocked=sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
        collector=(gc.isenabled(), gc.get_threshold(), gc.get_debug()),
        command_line=read("cmdline"),
        cores=sorted(os.sched_getaffinity(0)),
        descriptors=[os.readlink("/proc/self/fd/" + each) for each in "012"],
        dies=dies.value,
        errors=numpy and numpy.geterr(),
        filters=[str(each) for each in warnings.filters],
        finders=[str(getattr(each, "__name__", type(each))) for each in sys.meta_path],
        flags=str(sys.flags),
        folder=multiprocessing.process.ORIGINAL_DIR,
        group=os.getpgid(0) == os.getpid(),
        handlers=logging.root.handlers,
        hook=sys.displayhook is sys.__displayhook__,
        last=hasattr(sys, "last_value"),
        level=logging.root.level,
        limits=read("limits"),
        locale=locale.setlocale(locale.LC_ALL),
        main_thread=(threading.current_thread() is main, main.ident == threading.get_ident()),
        mapped_main=sys.modules["__main__"].__dict__ is globals(),
        memory=read("oom_score_adj"),
        native=getattr(main, 'native_id', None) in (None, os.getpid()),
        nice=os.nice(0),
        open=len(os.listdir("/proc/self/fd")),
        prefix=(sys.prefix, sys.base_prefix, sys.executable, os.readlink("/proc/self/exe")),
        program=read("comm"),
        recursion=sys.getrecursionlimit(),
        relative=logging.makeLogRecord({}).relativeCreated < 60_000,
        session=os.getsid(0) == os.getppid(),
        signals=[str(signal.getsignal(each)) for each in range(1, 65) if each not in (32, 33)],
        spaces=sorted(os.readlink("/proc/self/ns/" + each) for each in os.listdir("/proc/self/ns")),
        status=[line for line in read("status").splitlines() if line.startswith(wanted)],
        stdin=sys.stdin.read(),
        streams=[
            (each.encoding, each.errors, each.line_buffering, getattr(each, "write_through", 0), each.mode, each.name)
            for each in (sys.stdout, sys.stderr)
        ],
        temporary=tempfile.gettempdir(),
        threads=[each.name for each in threading.enumerate()],
        trace=str(sys.gettrace()),
        users=(os.getuid(), os.geteuid(), os.getgroups()),
        variables=read("environ"),
    )
    print(json.dumps(found))
"""
"""Prints what a script can see of its process and of its interpreter, as JSON."""

SPOILS = """
    import atexit, builtins, gc, json, logging, multiprocessing.process, numpy, os, random, resource, signal, sys
    import tempfile, threading, warnings
    os.environ["MARK_OF_ANOTHER"] = os.environ["HOME"] = "spoilt"
    os.putenv("MARK_OF_ANOTHER", "spoilt")
    os.chdir("/")
    os.umask(0o777)
    os.nice(3)
    sys.path[:] = ["/nowhere"]
    sys.meta_path.insert(0, type("Finder", (), {"find_spec": lambda *_: None}))
    sys.setrecursionlimit(5000)
    sys.settrace(lambda *_: None)
    sys.displayhook = print
    sys.stdout.reconfigure(encoding="latin-1", line_buffering=True)
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])
    warnings.simplefilter("error")
    logging.basicConfig(filename="log", level=1)
    logging.disable(50)
    random.seed(0)
    numpy.random.seed(0)
    numpy.seterr(all="raise")
    numpy.mine = builtins.mine = json.mine = "of another run"
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    gc.disable()
    gc.set_threshold(1)
    tempfile.tempdir = "/nowhere"
    threading.Thread(target=threading.Event().wait, daemon=True).start()
    kept = [open("/dev/null") for _ in range(10)]
    sys.stdin.close()
    atexit.register(print, "of another run")
    multiprocessing.process.ORIGINAL_DIR = "/nowhere"
    sys.modules["user_module"] = json
    raise ValueError("spoilt")
"""
"""Changes what it can of its process and of its interpreter."""
