"""The servers people use today, in environments of their own, on the benchmark's tables."""
