/* A message of Amazon SNS, made by openssl(1): a self-signed certificate (RSA, 2,048 bits) that holds for a hundred years, "dgst -sha1 -sign" and
 * "dgst -sha256 -sign" of the fields that SNS signs, in its order. */
#pragma once

#define SNS_CERTIFICATE \
	"-----BEGIN CERTIFICATE-----\n" \
	"MIIDLzCCAhegAwIBAgIUbvYHvXLEzGaCbMfNWrCH+tlfCr0wDQYJKoZIhvcNAQEL\n" \
	"BQAwJjEkMCIGA1UEAwwbc25zLmV1LXdlc3QtMi5hbWF6b25hd3MuY29tMCAXDTI2\n" \
	"MTEyNzIyMDIxMloYDzIxMjYxMTAzMjIwMjEyWjAmMSQwIgYDVQQDDBtzbnMuZXUt\n" \
	"d2VzdC0yLmFtYXpvbmF3cy5jb20wggEiMA0GCSqGSIb3DQEBAQUAA4IBDwAwggEK\n" \
	"AoIBAQCytGtHKT208tvqh5Vvx+SZE2xnui1h/TlF2roQxmk0trGRc0Wip7eWyVBH\n" \
	"4NqK33lhS1++yRiPEjI2jim3vuDHCMo7jByUb2JIe8J1ETMh2ogTP9BDBmuFwefK\n" \
	"FAhXgaW38+86xldXyDYAehRUCAyI/vheaXlP1tcd/FHkuE/ybvvumnfcRPRDhr1H\n" \
	"o0mgRLN0YuaTnF3MXrLwF12BHZNjfc1IsqkyFaH6IzNhfK2uohJB/yFay8O9V1qT\n" \
	"w6dAmLRA2nOFILGyTs/43havwdfNbZUGA82KEnILStRTEUyq0qXVxQ5XnuRuzYQk\n" \
	"js5QYeghLh+lOQ9iKPbiQhcstiBnAgMBAAGjUzBRMB0GA1UdDgQWBBSxl3TOgZ0E\n" \
	"icE6EE5oOOzm5GJMwjAfBgNVHSMEGDAWgBSxl3TOgZ0EicE6EE5oOOzm5GJMwjAP\n" \
	"BgNVHRMBAf8EBTADAQH/MA0GCSqGSIb3DQEBCwUAA4IBAQCmoBWNuWY+YGvG0FVM\n" \
	"1nDib9gsZzPXBok/+5JMlKIhFNDpZQMXEDY7FxslNTVCQnQTsxiVTV5XeG049Xgl\n" \
	"cPG0AmpCpmvedICZGet0NtF86hyQ+NOE+rC1s/qZpcUYB8R6tZBVFDdxlM9EfjNn\n" \
	"bSpXR3if8wiqZwVJnPL3LD6uvDGViXXD8YLOVde4V9W3zGLWbN7q1Dr3KTj/nARB\n" \
	"2IDWnCKPUZnq3S5ULJVKxr/IQwx8nM9JzNsGGgqDOj+WYwewoS3UlYER54/Qy2Vg\n" \
	"6ZChOfzkxsICMzjk/LAS3HWV8WVQaCR+IIGl1pi097ndmuGM1CYsurXLn0dHIlRT\n" \
	"JqG7\n" \
	"-----END CERTIFICATE-----\n"
#define SNS_BY_SHA1 \
	"cIGcznziXXSIs2xpITArYC8d/wWp1M3B0sP9yib7/SnoMBwAi/U4liAwrwc9dxB/389/i7pSaIrUY0sMryGNAIjVy3zqj5zqvVB5" \
	"bzfsKAWC4RaiC8AHbR0Y9xaFGHOJoSqZxhHl3O2Q3QTiVySmboEdgJNJ8jaN7TQFFH0RvS24OrqsbHiHhz3Lp0TrxqnPA1UfdwEP" \
	"qaQDffTWuhlvD8aC4F5BxDnHKB9O5aXyv85mlZS0+VC3SjUeRYp7j6HG/KmZezbqXROolCW05egp53JbVYzbhiN8gGL1Li9BemGE" \
	"Z695x+qBvILl3vISLJR8MiO/FCemrb14C2px0fEZdA=="
#define SNS_BY_SHA256 \
	"iuptkiCxYFYz0NJDkA1wWA2RejusJObHsKUnee5EoZjSEPsQ3n0wIC9H3GyFyIQYjKGuK/mYBjWJCwaD+C7UcGFDlBqObW7Q7KI7" \
	"F7w8iL7COdOlFhtkHdIZcF0Qks9fVOM7fGQZB3EvlYswjewsV0Mbl051cY4iuZ2lhBr7RTiI4cKR9lPZwzvNbkwzB3iEl4PcIQUs" \
	"jfZFZ8/I5WkHMWzu9rwOJS/WZIu5fbcuYr7KOXM52Ha7GwWEjOV2REAcWJL3WQT7jkMx48N2T4g00tOivlCNk1kG3KY7muTdaqbZ" \
	"XirajOKHg2Zwsa4AqNUPD22X+2/kYngIuIEF//GELw=="
#define SNS_OF_SUBSCRIPTION \
	"BDhvMlbaNTPB51puqvtz1HAbG6o8uROrraW6F0LvThUNokevdyBEW1Ve2QP4r5mii5SEHjJUfhSBwpqG9lRnAoUCywMHTpI6tEgq" \
	"ANbmCg74V0Emy9Eh5OpoYbf4De0fEw5TsaaoRc65tIrUDIBqE3R8BGdloPxoXCr8r890U83h0VD1ggzFI1FhYymfVRSuD0qIOf2d" \
	"UjmIztolQEixeZ3dvkrQMSKYEAig1G8ER7b0RX8LsNE3JZ2YLE0DRzWVZACiI4dJ2wMAPm5HznGZVdAVKVetjrWRwzjOoyUYvzbC" \
	"Bs+HpGsTsRDcbyVJneF3yAZZJpZI7Yvd3MRSurbfow=="
#define SNS_ID "11111111-2222-4333-8444-555555555555"
#define SNS_SUBSCRIPTION_ID "99999999-2222-4333-8444-555555555555"
#define SNS_TIME "2023-11-14T22:13:20.000Z" /* SENT_MS */
#define SNS_COMPLAINT "{\\\"notificationType\\\":\\\"Complaint\\\",\\\"complaint\\\":{\\\"complainedRecipients\\\":[{\\\"emailAddress\\\":\\\"a@example.net\\\"}]}}"
#define SNS_URL "https://sns.eu-west-2.amazonaws.com/?Action=ConfirmSubscription&Token=abc"
/* A notification; TEXT is its message as JSON text. */
#define SNS_NOTIFICATION(text, version, signature) \
	"{\"Type\":\"Notification\",\"MessageId\":\"" SNS_ID "\",\"TopicArn\":\"arn:aws:sns:eu-west-2:1:mail\",\"Message\":\"" text \
	"\",\"Timestamp\":\"" SNS_TIME "\",\"SignatureVersion\":\"" version "\",\"Signature\":\"" signature \
	"\",\"SigningCertURL\":\"https://sns.eu-west-2.amazonaws.com/SimpleNotificationService-a1.pem\"}"
#define SNS_SUBSCRIPTION(url) \
	"{\"Type\":\"SubscriptionConfirmation\",\"MessageId\":\"" SNS_SUBSCRIPTION_ID "\",\"Token\":\"abc\",\"TopicArn\":" \
	"\"arn:aws:sns:eu-west-2:1:mail\",\"Message\":\"Visit the URL.\",\"SubscribeURL\":\"" url "\",\"Timestamp\":\"" SNS_TIME \
	"\",\"SignatureVersion\":\"2\",\"Signature\":\"" SNS_OF_SUBSCRIPTION \
	"\",\"SigningCertURL\":\"https://sns.eu-west-2.amazonaws.com/SimpleNotificationService-a1.pem\"}"
