//! How much a read asks for, and of which block.

use super::*;

#[test]
fn rooms_double_if_a_read_fills_one_and_not_for_the_rest_of_a_long_frame() {
    let mut cx = Context::from_waker(Waker::noop());
    let mut room_after = |buffer: &mut ReadBuffer, bytes: &[u8]| {
        assert!(buffer.poll_fill(&mut Source(bytes), &mut cx).is_ready());
        buffer.room
    };
    let bytes = vec![0; 64 * 1024];
    let mut buffer = ReadBuffer::default();
    assert_eq!(room_after(&mut buffer, &bytes[..8 * 1024 - 1]), 8 * 1024);
    assert_eq!(room_after(&mut ReadBuffer::default(), &bytes), 16 * 1024);
    // What is left of a block behind held messages is filled as well, and says less.
    let mut buffer = ReadBuffer::default();
    buffer.block.resize(8 * 1024).unwrap();
    buffer.block.put_slice(&bytes[..6 * 1024]);
    let _held = buffer.block.take(0..6 * 1024);
    buffer.block.consume(6 * 1024);
    assert_eq!(room_after(&mut buffer, &bytes), 8 * 1024);
    assert_eq!(buffer.block.len(), 2 * 1024);
    // A frame of just the length from which on it is long, and one that is a byte shorter.
    for (length, room) in [(LONG, 16 * 1024), (LONG - 1, 32 * 1024)] {
        let mut codec = LengthDelimited::u32();
        let frame = [&(length as u32 - 4).to_be_bytes()[..], &bytes[..length - 4]].concat();
        let mut buffer = ReadBuffer::default();
        assert_eq!(room_after(&mut buffer, &frame), 16 * 1024);
        assert!(matches!(buffer.next(&mut codec), Next::Nothing));
        assert_eq!(buffer.needed, length);
        assert_eq!(room_after(&mut buffer, &frame[8 * 1024..]), room, "{length}");
    }
    let mut buffer = ReadBuffer { room: LARGEST, ..ReadBuffer::default() };
    assert_eq!(room_after(&mut buffer, &vec![0; 1 << 20]), LARGEST);
}

/// A buffer of a block of this capacity, with so many bytes that are gone, and so many at hand.
fn with_block(capacity: usize, gone: usize, length: usize) -> ReadBuffer {
    let mut buffer = ReadBuffer::default();
    buffer.block.resize(capacity).unwrap();
    buffer.block.put_slice(&vec![0; gone + length]);
    buffer.block.consume(gone);
    assert_eq!((buffer.block.capacity(), buffer.block.len()), (capacity, length));
    buffer
}

#[test]
fn a_read_asks_for_a_room_or_for_what_is_missing_of_a_long_frame() {
    const K: usize = 1024;
    for (capacity, gone, length, needed, room, asked, then) in [
        // The first read, and one of a larger room: half of that behind it.
        (8 * K, 0, 0, 1, 8 * K, 8 * K, 8 * K),
        (16, 0, 0, 1, 8 * K, 8 * K, 8 * K),
        (16, 0, 0, 1, 16 * K, 16 * K, 24 * K),
        // Little is at hand, up to a quarter of a room: the read ends where a room does.
        (32 * K, 0, 100, 1000, 8 * K, 8 * K - 100, 32 * K),
        (32 * K, 0, 2 * K, 1, 8 * K, 6 * K, 32 * K),
        (32 * K, 0, 2 * K + 1, 1, 8 * K, 8 * K, 32 * K),
        (32 * K, 0, 100, 20 * K, 8 * K, 20 * K - 100, 32 * K),
        // What is here of a frame is moved to the front where a room then is behind it.
        (8 * K, 6000, 100, 1, 8 * K, 8 * K - 100, 8 * K),
        // Room is made where there is too little: as much again as is at hand, a room at least.
        (8000, 0, 100, 1, 8 * K, 8 * K - 100, 8 * K),
        (5000, 0, 5000, 1, 8 * K, 8 * K, 5000 + 8 * K),
        (20_000, 0, 20_000, 1, 8 * K, 8 * K, 40_000),
        (20_000, 0, 20_000, 1, 16 * K, 16 * K, 40_000 + 8 * K),
        (8 * K, 0, 8 * K - 2047, 1, 8 * K, 8 * K, 2 * (8 * K) - 2047),
        (8 * K, 0, 6 * K, 1, 8 * K, 2 * K, 8 * K),
        // A long frame is read to its end, by what is left of the block first.
        (40_000, 0, 10, LONG, 8 * K, LONG - 10, 40_000),
        (8 * K, 0, 10, LONG, 8 * K, 8 * K - 10, 8 * K),
        (40_000, 0, 10, LONG - 1, 8 * K, LONG - 11, 40_000),
        // For its last byte there is no other block, and nobody knows whether it is the last.
        (LONG, 0, LONG - 1, LONG, 8 * K, 1, LONG),
        (LONG + 100, 0, LONG - 1, LONG, 8 * K, 101, LONG + 100),
        (40_000, 0, LONG - 3, LONG, 8 * K, 3, 40_000),
    ] {
        let mut buffer = with_block(capacity, gone, length);
        (buffer.needed, buffer.room) = (needed, room as u32);
        let what = format!("{length} of {needed}, {gone} gone, in {capacity}, by {room}");
        assert_eq!((buffer.make_room().unwrap(), buffer.held()), (asked, then), "{what}");
        assert_eq!(buffer.block.len(), length, "{what}");
    }
}

#[test]
fn behind_messages_that_are_held_reads_go_on_while_there_is_enough_room() {
    for (gone, asked) in [(6000, 2092), (6044, 2048), (6045, 8092)] {
        let mut buffer = ReadBuffer::default();
        buffer.block.resize(8192).unwrap();
        buffer.block.put_slice(&vec![0; gone + 100]);
        let held = buffer.block.take(0..gone);
        buffer.block.consume(gone);
        assert_eq!(buffer.make_room().unwrap(), asked, "{gone}");
        assert_eq!((held.len(), buffer.held()), (gone, 8192));
    }
}

#[test]
fn a_block_for_a_long_frame_is_no_more_than_four_times_what_came_of_it() {
    for (length, needed, from, size) in [
        (4, 1_000_000, 8192, 4 + ENOUGH),
        (8192, 1_000_000, 8192, 12_346),
        (30_000, 40_000, 32_768, 40_000),
        (0, 2 * ENOUGH, 2 * ENOUGH, 2 * ENOUGH),
        (0, 2 * ENOUGH, 2 * ENOUGH + 1, ENOUGH),
        (0, usize::MAX, 0, 3319),
        (100, 50, 0, 100 + ENOUGH),
    ] {
        assert_eq!(long_frame(length, needed, from), size, "{length} of {needed} from {from}");
    }
}

#[test]
fn rooms_are_halved_by_a_burst_of_less_than_half_and_blocks_shrink_beyond_four_times() {
    for (room, burst, then) in [
        (32_768, 16_384, 32_768),
        (32_768, 16_383, 16_384),
        (16_384, 0, SMALLEST),
        (SMALLEST, 0, SMALLEST),
    ] {
        let mut buffer = ReadBuffer { room, burst, ..ReadBuffer::default() };
        buffer.park();
        assert_eq!((buffer.room, buffer.burst), (then, 0), "{room} {burst}");
    }
    for (length, capacity, shrinks) in [
        (1000, 4000, false),
        (1000, 4001, true),
        (ENOUGH - 1, 4 * (ENOUGH - 1) + 1, true),
        (ENOUGH, 4 * ENOUGH + SMALLEST as usize, false),
        (ENOUGH, 4 * ENOUGH + SMALLEST as usize + 1, true),
    ] {
        let mut buffer = with_block(capacity, 0, length);
        buffer.park();
        assert_eq!(buffer.held() < capacity, shrinks, "{length} in {capacity}");
        assert_eq!(buffer.block.len(), length);
    }
}
