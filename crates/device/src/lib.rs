//! The reference device client: check, download, verify, stage, apply, confirm, else roll back.
