"""The whole loop, performed from outside: over the partner API and SMTP, with numbers known beforehand."""
