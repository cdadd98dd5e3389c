"""From the command to the files: compile, compress, recipe and manifest. The only room that sees all."""
