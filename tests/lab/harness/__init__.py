"""Real systemd hosts with sshd on one machine: systemd-nspawn over overlayfs. Knows nothing of edgewright."""
