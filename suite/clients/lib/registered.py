"""Clients that register themselves (RFC 7591), for whatever the seeded ones do not have."""
import requests

from suite import callback


def registered(surface, **metadata):
    """What a surface answers to a registration."""
    metadata = dict(redirect_uris=[callback], **metadata)
    metadata.setdefault('grant_types', ['authorization_code', 'refresh_token', 'client_credentials'])
    answer = requests.post(surface['registration_endpoint'], json=metadata,
                           headers={'Authorization': f'Bearer {surface["initial_access_token"]}'})
    assert answer.status_code == 201, answer.text
    return answer.json()
