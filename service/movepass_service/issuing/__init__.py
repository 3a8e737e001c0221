"""What happens to a received application: rules decide, passes are issued, lists published, data forgotten."""
