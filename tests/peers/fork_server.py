"""Runs scripts one after another, each in a process of its own that has the script's imports already.

    python fork_server.py

Importing PyTorch takes seconds. This process imports what a script imports, once, and forks for each run.

Requests at standard input and answers at standard output are frames: a length of four bytes, big-endian, and as many bytes. First
it answers with the names of all modules that it finds, as JSON. A request is two frames, {"script": path, "args": […]} as JSON and
the script's standard input; the answer is three, the exit code as JSON, standard output and standard error.
"""
import ast
import json
import os
import pathlib
import pkgutil
import runpy
import sys
import tempfile
import traceback

# torchvision lies in a folder of its own; see vision.py.
VISION = os.path.join(sys.prefix, "vision")


def read_frame(source):
    length = source.read(4)
    if len(length) < 4:
        sys.exit()
    return source.read(int.from_bytes(length, "big"))


def write_frame(target, data):
    target.write(len(data).to_bytes(4, "big") + data)


def import_all_of(script):
    """Imports what the script imports anywhere; what is missing is left to the script."""
    for node in ast.walk(ast.parse(pathlib.Path(script).read_text())):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            try:
                exec(compile(ast.Module([node], []), script, "exec"), {})
            except ImportError:
                pass


def run(script, args, files):
    """Runs a script in this process and ends it."""
    for number, file in enumerate(files):
        os.dup2(file.fileno(), number)
    sys.argv = [script, *args]
    sys.path[0] = os.path.dirname(script)
    code = 0
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as exit:
        code = exit.code if isinstance(exit.code, int) else int(exit.code is not None)
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def main():
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    modules = pkgutil.iter_modules([*sys.path, VISION])
    write_frame(answers, json.dumps(sorted({module.name for module in modules})).encode())
    answers.flush()
    while True:
        request = json.loads(read_frame(requests))
        script = request["script"]
        import_all_of(script)
        with tempfile.TemporaryFile() as stdin, tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
            stdin.write(read_frame(requests))
            stdin.seek(0)
            child = os.fork()
            if child == 0:
                run(script, request["args"], [stdin, stdout, stderr])
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            write_frame(answers, json.dumps(code).encode())
            for file in (stdout, stderr):
                file.seek(0)
                write_frame(answers, file.read())
        answers.flush()


main()
