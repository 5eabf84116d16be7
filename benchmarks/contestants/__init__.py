"""Who is measured: each starts real processes, with settings that its own users would choose."""
