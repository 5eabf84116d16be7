"""What puts load on a contestant."""
