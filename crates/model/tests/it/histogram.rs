//! Bounds of native histograms are those that clients sort observations by, to the last bit.

use bellwether_model::Schema;

#[test]
fn bounds_are_those_of_prometheus_bit_by_bit() {
    let check = |schema: i8, index: i32, bound: f64| {
        let ours = Schema::exponential(schema).unwrap().exponential_bound(index);
        assert_eq!(ours.to_bits(), bound.to_bits(), "{index} of schema {schema}: {ours} and {bound}");
    };
    // As a server answers them.
    check(8, 6, 1.016_378_314_910_952_9);
    check(8, 53, 1.154_310_420_590_216_2);
    check(8, 101, 1.314_515_587_949_354_9);
    check(8, 219, 1.809_346_539_371_031);
    check(8, 255, 1.994_592_112_170_939_6);
    check(8, 256, 2.0);
    check(2, 1, 1.189_207_115_002_721);
    check(2, 3, 1.681_792_830_507_428_8);
    check(1, 1, std::f64::consts::SQRT_2.next_down());
    check(1, -1, std::f64::consts::FRAC_1_SQRT_2.next_down());
    check(1, 3, (2.0 * std::f64::consts::SQRT_2).next_down());
    check(0, 10, 1024.0);
    check(-1, 1, 4.0);
    check(0, 1024, f64::MAX);
}
