# 1. Fire test alert
curl -X POST http://localhost:9093/api/v1/alerts -d '[
  {
    "labels": {
      "alertname": "TestAlert",
      "severity": "critical"
    },
    "annotations": {
      "summary": "Test alert - please acknowledge"
    }
  }
]'

# 2. Verify in Alertmanager UI
open http://localhost:9093/#/alerts

# 3. Check Slack channel
# Should receive message in #alerts-critical

# 4. Create silence
curl -X POST http://localhost:9093/api/v2/silences -d '{
  "matchers": [{"name": "alertname", "value": "TestAlert", "isRegex": false}],
  "startsAt": "2025-01-01T00:00:00Z",
  "endsAt": "2025-01-01T01:00:00Z",
  "createdBy": "test@company.com",
  "comment": "Test silence"
}'

# 5. Verify alert is silenced
