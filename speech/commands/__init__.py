"""Commands of `speech`, one module each: `add_parser` describes the options, `run` does the work.

`add_parser` must be quick, so heavy imports stand inside `run`. `run` gets the parsed arguments and
returns the exit code. Another package adds a command with an entry point of the group
``speech.commands`` that names such a module.
"""
