"""What the platform wrote in `gateway.yaml`, read once and validated."""
