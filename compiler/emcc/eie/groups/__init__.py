"""The array of column groups: what of a Program its tables hold, and its cycles. See docs/array.md."""
