//! Cutting a list into batches that a service takes: so many entries, so many bytes.

use std::ops::Range;

/// The batches, as ranges of the list. An entry that is too large by itself gets a batch of its own: the service's
/// answer then concerns that entry alone.
pub fn chunks(bytes: &[usize], most_entries: usize, most_bytes: usize) -> Vec<Range<usize>> {
    let mut chunks = Vec::new();
    let (mut start, mut sum) = (0, 0);
    for (at, size) in bytes.iter().enumerate() {
        if at > start && (at - start == most_entries || sum + size > most_bytes) {
            chunks.push(start..at);
            (start, sum) = (at, 0);
        }
        sum += size;
    }
    if start < bytes.len() {
        chunks.push(start..bytes.len());
    }
    chunks
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::chunks;

    #[test]
    fn entries_and_bytes_are_bounded() {
        assert!(chunks(&[], 10, 100).is_empty());
        assert_eq!(chunks(&[1; 25], 10, 100), [0..10, 10..20, 20..25]);
        assert_eq!(chunks(&[60, 40, 1], 10, 100), [0..2, 2..3]);
        assert_eq!(chunks(&[1, 500, 1], 10, 100), [0..1, 1..2, 2..3]);
    }

    proptest! {
        #[test]
        fn every_entry_is_in_one_batch_that_fits(bytes in prop::collection::vec(0..120_usize, 0..60)) {
            let chunks = chunks(&bytes, 10, 100);
            prop_assert_eq!(chunks.iter().cloned().flatten().collect::<Vec<_>>(), (0..bytes.len()).collect::<Vec<_>>());
            for chunk in chunks {
                prop_assert!(!chunk.is_empty() && chunk.len() <= 10);
                prop_assert!(chunk.len() == 1 || bytes[chunk].iter().sum::<usize>() <= 100);
            }
        }
    }
}
