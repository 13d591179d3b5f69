//! Batches of messages as Lambda hands them over.

use serde_json::{Value, json};

/// An event of these messages.
pub fn event(records: &[Value]) -> String {
    json!({ "Records": records }).to_string()
}

/// A message as the event holds it, with all that Lambda puts there.
pub fn record(message_id: &str, body: &str) -> Value {
    json!({
        "messageId": message_id,
        "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a4N2mS1c5ZbRkW9pQmEJQ==",
        "body": body,
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": "1780315170000",
            "SenderId": "AIDAIENQZJOLO23YVJ4VO",
            "ApproximateFirstReceiveTimestamp": "1780315170010",
        },
        "messageAttributes": {},
        "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:shop-queue",
        "awsRegion": "us-east-1",
    })
}

/// A transaction of 400 bytes.
pub fn transaction(id: &str, amount: &str) -> String {
    let frame = json!({
        "transaction_id": id, "customer_id": "customer-000042", "amount": amount, "currency": "USD",
        "timestamp": "2026-06-01T11:59:30Z",
        "items": [
            { "sku": "SKU-000001", "quantity": 2, "unit_price": "12.50" },
            { "sku": "SKU-000002", "quantity": 1, "unit_price": "17.25" },
        ],
        "metadata": { "channel": "web", "campaign": "spring", "note": "" },
    });
    let mut text = frame.to_string();
    let missing = 400_usize.saturating_sub(text.len());
    text = text.replace("\"note\":\"\"", &format!("\"note\":\"{}\"", "x".repeat(missing)));
    text
}
