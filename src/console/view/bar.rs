//! A progress bar of text.

use crate::console::theme::Theme;
use ratatui::text::Span;

/// `percent` of `width` columns.
pub fn bar<'a>(theme: &Theme, percent: u64, width: usize) -> [Span<'a>; 2] {
    let full = usize::try_from(percent.min(100)).unwrap_or(100) * width / 100;
    [
        Span::styled(theme.marks.full.repeat(full), theme.busy),
        Span::styled(theme.marks.rest.repeat(width - full), theme.dim),
    ]
}
