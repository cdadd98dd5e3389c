"""Parts of benchmarks/trust.py: data sets, float networks, the command line, quality on fresh data."""
