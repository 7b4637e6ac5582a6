"""PyPI jsonschema: the published schemas of authorization details and the server judge alike, for
every way to spoil every member of an example."""
import copy
import json

import jsonschema
import requests

from suite import call, callback, same, sandbox

standard = sandbox['surfaces']['standard']
http = requests.Session()
http.trust_env, http.verify = False, sandbox['ca']
http.auth = (standard['client']['client_id'], standard['client']['client_secret'])

EXAMPLES = [
    {'type': 'account_information', 'actions': ['list_accounts', 'read_balances'], 'accounts': ['ada-current'],
     'expirationDate': '2032-05-20', 'locations': ['https://api.bank.example/accounts']},
    {'type': 'payment_initiation', 'actions': ['initiate', 'status'],
     'instructedAmount': {'currency': 'EUR', 'amount': '123.50'}, 'creditorName': 'Merchant A',
     'creditorAccount': {'iban': 'DE02100100109307118603'}, 'remittanceInformationUnstructured': 'Ref 7',
     'requestedExecutionDate': '2032-02-29', 'locations': ['https://api.bank.example/payments']},
    {'type': 'fdx_v1.0', 'consentRequest': {
        'durationType': 'TIME_BOUND', 'durationPeriod': 90, 'lookbackPeriod': 60, 'resources': [
            {'resourceType': 'ACCOUNT', 'dataClusters': ['TRANSACTIONS', 'STATEMENTS']},
            {'resourceType': 'CUSTOMER', 'dataClusters': ['CUSTOMER_CONTACT']}]}},
]
ANYTHING = [None, True, -1, 0, 1, 1.5, 366, 4000, '', 'x', 'X', 'x' * 129, 'X' * 141, 'a\u0007', 'é' * 140, [], {}]
AMOUNTS = ['0', '0.0', '0.001', '0.01', '0.10', '0.500', '1', '01', '1.', '1.2345', '9999999999999.999',
           '10000000000000', '1e3', '+1', '1,5', '.5']
DATES = ['2032-02-30', '2031-02-29', '2032-13-01', '2032-1-01', '2032-12-31', '2032-00-10']
WORDS = ['ONE_TIME', 'PERSISTENT', 'read_transactions', 'cancel', 'DOCUMENT', 'TAX', 'usd', 'USD', 'NO9386011117947']


def spoiled(value):
    """The value with one thing in it changed, for every thing and every change."""
    yield from ANYTHING + AMOUNTS + DATES + WORDS
    if isinstance(value, dict):
        yield {**value, 'undocumented': 1}
        yield {**value, 'bban': '12345678'}
        for name, member in value.items():
            yield {other: inner for other, inner in value.items() if other != name}
            for bad in spoiled(member):
                yield {**value, name: bad}
    if isinstance(value, list):
        yield value + value[:1]
        yield value[:1]
        for at, member in enumerate(value):
            for bad in spoiled(member):
                yield [*value[:at], bad, *value[at + 1:]]


def taken(details):
    """What the server says to a pushed request."""
    form = {'response_type': 'code', 'redirect_uri': callback, 'authorization_details': json.dumps([details])}
    answer = http.post(f"{standard['issuer']}/par", form)
    if answer.status_code != 201:
        same((answer.status_code, answer.json()['error']), (400, 'invalid_authorization_details'))
    return answer.status_code == 201


def compare(example):
    name = example['type']
    schema = http.get(f"{standard['issuer']}/authorization-details/{name}").json()
    jsonschema.Draft202012Validator.check_schema(schema)
    judge = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker(['date']))
    assert judge.is_valid(example) and taken(example)
    seen = {True: 0, False: 0}
    for other in spoiled(example):
        if not isinstance(other, dict) or other.get('locations', example.get('locations')) != example.get('locations'):
            continue  # an unknown resource server is refused, which no schema can know
        verdict = judge.is_valid(other)
        assert taken(copy.deepcopy(other)) == verdict, f'{json.dumps(other)}: the schema says {verdict}'
        seen[verdict] += 1
    assert min(seen.values()) > 3, seen


for example in EXAMPLES:
    call(f"{example['type']}: the schema and the server agree", lambda example=example: compare(example))
