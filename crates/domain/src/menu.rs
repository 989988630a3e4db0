//! The rules of a boot menu (DESIGN.md §6): lab robots read it from a serial console.
