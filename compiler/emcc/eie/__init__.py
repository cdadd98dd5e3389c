"""The EIE accelerator: lowering to a Program, its bit-exact meaning, its cycle count, its memory layout."""
