//! Where the time goes.
use anysock_testing::conformance::{InMemory, Kit, Law};
#[test]
fn timing() {
    for law in Law::ALL {
        let start = std::time::Instant::now();
        let report = Kit::default().only(&[law]).check(InMemory);
        println!("{law}: {:?} {:?}", start.elapsed(), report.is_clean());
    }
}
