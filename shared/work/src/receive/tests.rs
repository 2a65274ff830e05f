use super::*;

#[test]
fn what_fails_rests_longer_each_time() {
    let rests = [1, 2, 3, 4, 5, 99].map(|received| redelivery_delay(received, true).as_secs());
    assert_eq!(rests, [5, 20, 80, 120, 120, 120]);
    assert_eq!(redelivery_delay(3, false).as_secs(), 1);
}

fn delivered(count: Option<&str>) -> SqsMessage {
    let mut message = SqsMessage::default();
    let count = count.map(|count| ("ApproximateReceiveCount".to_owned(), count.to_owned()));
    message.attributes = count.into_iter().collect();
    message
}

/// Source: Amazon SQS API Reference, `ReceiveMessage`: the count is text, and 1 at first.
#[test]
fn a_message_knows_how_often_it_came() {
    for (count, received_times, before) in
        [(Some("1"), 1, false), (Some("2"), 2, true), (Some("1000"), 1000, true)]
    {
        let message = delivered(count);
        assert_eq!((received(&message), delivered_before(&message)), (received_times, before));
    }
    // What cannot be read counts as the first time: it is then taken as any other.
    for count in [None, Some(""), Some("-1"), Some("x")] {
        assert_eq!(received(&delivered(count)), 1);
    }
}
