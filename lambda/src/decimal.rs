//! Decimal numbers from their source text: money never passes through a float, and nothing is rounded silently.
//!
//! `rust_decimal` rounds what has more digits than it can hold; for money that would be a wrong amount, so what does
//! not fit exactly is refused.

use rust_decimal::Decimal;

/// Digits that a `Decimal` surely holds.
const MOST_DIGITS: usize = 28;
/// Digits that DynamoDB keeps of a number.
const TABLE_DIGITS: usize = 38;
/// Exponents (of the first digit) that DynamoDB keeps.
const TABLE_EXPONENTS: std::ops::RangeInclusive<i64> = -130..=125;

/// A decimal number as JSON writes it (`-12.50`, `1.25e3`), taken apart.
struct Parts<'a> {
    negative: bool,
    whole: &'a [u8],
    fraction: &'a [u8],
    exponent: i64,
}

/// The number exactly as written, without trailing zeros; `None`: no number, or it cannot be held exactly.
pub fn parse(text: &str) -> Option<Decimal> {
    let parts = Parts::of(text)?;
    let (mantissa, mut scale) = parts.significant()?;
    if mantissa == 0 {
        return Some(Decimal::ZERO);
    }
    let mut value = mantissa;
    while scale < 0 {
        value = value.checked_mul(10)?;
        scale += 1;
    }
    let signed = i128::try_from(value).ok()? * if parts.negative { -1 } else { 1 };
    Decimal::try_from_i128_with_scale(signed, u32::try_from(scale).ok()?).ok()
}

/// Whether the text is a number, held exactly or not.
pub fn is_number(text: &str) -> bool {
    Parts::of(text).is_some()
}

/// The product; `None`: it would have to be rounded.
pub fn exact_product(left: Decimal, right: Decimal) -> Option<Decimal> {
    let product = left.checked_mul(right)?;
    (product.is_zero() || product.scale() == left.scale() + right.scale()).then(|| product.normalize())
}

/// The sum; `None`: it would have to be rounded.
pub fn exact_sum(left: Decimal, right: Decimal) -> Option<Decimal> {
    let sum = left.checked_add(right)?;
    (left.is_zero() || right.is_zero() || sum.scale() == left.scale().max(right.scale())).then(|| sum.normalize())
}

/// Whether DynamoDB keeps the number exactly: at most 38 digits, and an exponent in its range.
pub fn fits_table(text: &str) -> bool {
    let Some(parts) = Parts::of(text) else { return false };
    let digits = || parts.whole.iter().chain(parts.fraction);
    let leading = digits().take_while(|digit| **digit == b'0').count();
    let trailing = digits().rev().take_while(|digit| **digit == b'0').count();
    let count = parts.whole.len() + parts.fraction.len();
    if leading == count {
        return true;
    }
    let first = parts.exponent.saturating_add(parts.whole.len() as i64 - 1 - leading as i64);
    count - leading - trailing <= TABLE_DIGITS && TABLE_EXPONENTS.contains(&first)
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (number, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((number, exponent)) => (number, exponent_of(exponent)?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = match number.split_once('.') {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (number, None),
        };
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || fraction.is_some_and(|fraction| !digits(fraction)) {
            return None;
        }
        Some(Self { negative, whole: whole.as_bytes(), fraction: fraction.unwrap_or("").as_bytes(), exponent })
    }

    /// The digits as one whole number, and how many of them stand behind the point (negative: zeros are missing).
    fn significant(&self) -> Option<(u128, i64)> {
        let trailing = self.whole.iter().chain(self.fraction).rev().take_while(|digit| **digit == b'0').count();
        let count = self.whole.len() + self.fraction.len() - trailing;
        let digits = self.whole.iter().chain(self.fraction).take(count).skip_while(|digit| **digit == b'0');
        let mut mantissa = 0_u128;
        for (index, digit) in digits.enumerate() {
            if index >= MOST_DIGITS {
                return None;
            }
            mantissa = mantissa * 10 + u128::from(digit - b'0');
        }
        let scale = (self.fraction.len() as i64 - trailing as i64).checked_sub(self.exponent)?;
        // Beyond this a number is too large to be held, so the loop that adds zeros stays short.
        (mantissa == 0 || scale >= -(MOST_DIGITS as i64)).then_some((mantissa, scale))
    }
}

/// An exponent; one that no `i64` holds is as good as the largest that one does.
fn exponent_of(text: &str) -> Option<i64> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let size = digits.parse::<i32>().unwrap_or(i32::MAX);
    Some(i64::from(if negative { -size } else { size }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rust_decimal::Decimal;

    use super::{exact_product, exact_sum, fits_table, parse};

    #[test]
    fn numbers_are_taken_as_written() {
        let cases = [
            ("0", "0"),
            ("-0.00", "0"),
            ("12.50", "12.5"),
            ("-12.50", "-12.5"),
            ("1.25e3", "1250"),
            ("1E2", "100"),
            ("1e+2", "100"),
            ("1250e-2", "12.5"),
            ("0.0000000000000000000000000001", "0.0000000000000000000000000001"),
            ("1234567890123456789012345678", "1234567890123456789012345678"),
            ("1.000000000000000000000000000000000000000000", "1"),
            ("000000000000000000000000000000000000000000.5", "0.5"),
            ("0e999999999999999999999", "0"),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text).map(|number| number.to_string()).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_or_does_not_fit_exactly_is_refused() {
        let cases = ["", "-", "+1", ".5", "1.", "1e", "1e+", "1e1.5", "0x1", "1_000", "NaN", "١"];
        let too_long = ["12345678901234567890123456789", "0.00000000000000000000000000001", "1e29", "1e999999999999"];
        for text in cases.into_iter().chain(too_long).chain(["1e-999999999999", "--1", "1 ", "1e-2147483648"]) {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_table_keeps_38_digits_and_a_bounded_exponent() {
        let digits_38 = "12345678901234567890123456789012345678";
        let fit = ["0", "0e99999", "1e125", "-1e125", "1e-130", digits_38, "0.001e-127", "100000e120"];
        let misfit = ["1e126", "1e-131", "123456789012345678901234567890123456789", "9e999999999999999", "x"];
        assert_eq!(fit.into_iter().find(|text| !fits_table(text)), None);
        assert_eq!(misfit.into_iter().find(|text| fits_table(text)), None);
    }

    #[test]
    fn sums_and_products_are_exact_or_refused() {
        let number = |text| parse(text).unwrap();
        let third = number("0.3333333333333333333333333333");
        assert_eq!(exact_product(number("3"), number("19.99")), Some(number("59.97")));
        assert_eq!(exact_product(number("0"), third), Some(number("0")));
        assert_eq!(exact_product(number("1e20"), third), None);
        assert_eq!(exact_product(number("1e20"), number("1e20")), None);
        assert_eq!(exact_sum(number("0.1"), number("0.2")), Some(number("0.3")));
        assert_eq!(exact_sum(number("-0.5"), number("0.5")), Some(number("0")));
        assert_eq!(exact_sum(number("0"), third), Some(third));
        assert_eq!(exact_sum(number("1e20"), third), None);
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(mantissa: i64, scale in 0..=9_u32) {
            let number = Decimal::new(mantissa, scale);
            prop_assert_eq!(parse(&number.to_string()), Some(number));
            prop_assert!(fits_table(&number.to_string()));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[-+0-9.eE]{0,60}|\\PC{0,9}") {
            let _ = (parse(&text), fits_table(&text));
        }
    }
}
