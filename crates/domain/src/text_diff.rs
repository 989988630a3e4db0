//! text_diff
