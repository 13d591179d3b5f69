//! From data to text: nothing in here computes what is to be done or asks anybody.

pub mod account;
pub mod gauge;
pub mod markdown;
pub mod number;
pub mod parked;
pub mod plan;
pub mod progress;
pub mod report;
pub mod style;
pub mod terminal;
pub mod text;
pub mod why;

pub use style::Style;
pub use terminal::Terminal;
